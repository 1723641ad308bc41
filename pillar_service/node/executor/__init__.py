"""The executor: runs on this node what the catalogue names and its pillar tells, and nothing else.

entries     what the pillar says of a command          warden      watches a command's processes to their end
arguments   from what was given to an argument list    cage        a control group, where the system has one
running     one run, from its fence to its outcome     output      bytes -> lines, redacted, bounded, on the disk
records     what is known of each run, on the disk     sending     the lines' way through the node's door

What it can't catch: a process of root that leaves its control group by its own hand, kills its warden with SIGKILL, and
was no longer the command's first process; one that asks another (systemd, Docker, cron) to run something for it; one
that hangs in the kernel (state D), which ends when the kernel lets it. Such a one is counted in the outcome's ``left``.
"""
