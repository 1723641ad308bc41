"""The executor: runs on this node the commands in its pillar, which come from the catalogue, and nothing else.

entries     a command as the pillar describes it           warden      watches a command's processes until all have ended
arguments   from given arguments to an argument list       cage        a control group, where the system has one
running     one run, from the checks to its outcome        output      from bytes to lines: redacted, bounded, on disk
records     what is known of each run, on disk             sending     sends the lines through the node's door

What it can't catch: a process of root that leaves its control group, kills its warden with SIGKILL and is not the
command's first process; one that has another service (systemd, Docker, cron) run something for it; one that hangs in the
kernel (state D), which ends only when the kernel lets it go. The last are counted in the outcome's ``left``.
"""
