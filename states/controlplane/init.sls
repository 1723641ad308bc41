# A control plane of Saltcellar on this machine, as its pillar `controlplane` says. docs/install.md says how to begin.
{%- from "controlplane/map.jinja" import controlplane, problems with context %}

{%- if problems %}
controlplane pillar:
  test.fail_without_changes:
    - name: {{ ("Correct /etc/cellar/pillar/controlplane.sls: " ~ problems | join("; ") ~ ".") | json }}

{%- else %}
include:
  - controlplane.database
  - controlplane.service
  - controlplane.nginx
  - controlplane.master
{%- if controlplane.settings.CELLAR_BACKUP_REPOSITORY | default("") %}
  - controlplane.backups
{%- endif %}
{%- if controlplane.slack %}
  - controlplane.slack
{%- endif %}
{%- if not controlplane.settings.CELLAR_BACKUP_REPOSITORY | default("") %}

saltcellar-backups:
  service.dead:
    - enable: False
{%- endif %}
{%- if not controlplane.slack %}

saltcellar-chat:
  service.dead:
    - enable: False
{%- endif %}
{%- endif %}
