# What makes backups: a process of its own, for the pages' must not be able to read the master's keys.
{%- from "controlplane/map.jinja" import controlplane with context %}

include:
  - controlplane.service

cellar backup password:
  file.exists:
    - name: {{ controlplane.secrets }}/backup-password

saltcellar-backups unit:
  file.managed:
    - name: /etc/systemd/system/saltcellar-backups.service
    - source: salt://controlplane/files/app.service.jinja
    - template: jinja
    - context: {{ {"app": "backups"} | json }}
    - mode: '0644'

saltcellar-backups:
  service.running:
    - enable: True
    - watch:
      - file: saltcellar-backups unit
      - file: cellar settings
      - file: cellar secrets are kept
    - require:
      - cmd: cellar schema
      - file: cellar backup password
