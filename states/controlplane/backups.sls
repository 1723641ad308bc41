# Makes backups, in a process of its own: the one that serves the pages must not be able to read the master's keys.
{%- from "controlplane/map.jinja" import controlplane with context %}
{%- from "controlplane/unit.jinja" import app with context %}

include:
  - controlplane.service

cellar backup password:
  file.exists:
    - name: {{ controlplane.secrets }}/backup-password
{%- set repository = controlplane.settings.CELLAR_BACKUP_REPOSITORY | default("") | string %}
{%- if repository.startswith("/") %}
{%- set kept = repository | quote %}

# On a disk from a lost machine, the service's user may have another number.
cellar backups are the service's:
  cmd.run:
    - name: {{ ("chown -R " ~ controlplane.user ~ ": " ~ kept) | json }}
    - onlyif: {{ ("test -e " ~ kept ~ "/config") | json }}
    - unless: {{ ("find " ~ kept ~ " -maxdepth 1 -name config -user " ~ controlplane.user ~ " | grep -q .") | json }}
    - require:
      - user: cellar user
    - require_in:
      - service: saltcellar-backups
{%- endif %}
{{ app("backups", [{"file": "cellar backup password"}]) }}
