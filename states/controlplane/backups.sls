# What makes backups: a process of its own, for the pages' must not be able to read the master's keys.
{%- from "controlplane/map.jinja" import controlplane with context %}
{%- from "controlplane/unit.jinja" import app with context %}

include:
  - controlplane.service

cellar backup password:
  file.exists:
    - name: {{ controlplane.secrets }}/backup-password
{{ app("backups", [{"file": "cellar backup password"}]) }}
