# The service's user, who owns the data, and the database: a file, or Debian's PostgreSQL with peer authentication.
{%- from "controlplane/map.jinja" import controlplane with context %}

cellar user:
  user.present:
    - name: {{ controlplane.user }}
    - system: True
    - home: {{ controlplane.data }}/service
    - createhome: False
    - shell: /usr/sbin/nologin

cellar data:
  file.directory:
    - name: {{ controlplane.data }}/service
    - user: {{ controlplane.user }}
    - group: {{ controlplane.user }}
    - mode: '0700'
    - makedirs: True
    - require:
      - user: cellar user

{%- if controlplane.database == "postgresql" %}

cellar postgresql:
  pkg.installed:
    - name: postgresql

cellar postgresql running:
  service.running:
    - name: postgresql
    - enable: True
    - require:
      - pkg: cellar postgresql

# With backups, the role may create databases: verifying a backup restores it into a database of its own.
cellar role:
  postgres_user.present:
    - name: {{ controlplane.user }}
    - user: postgres
    - createdb: {{ controlplane.settings.CELLAR_BACKUP_REPOSITORY | default("") != "" }}
    - require:
      - service: cellar postgresql running

cellar database:
  postgres_database.present:
    - name: {{ controlplane.user }}
    - owner: {{ controlplane.user }}
    - user: postgres
    - encoding: UTF8
    - template: template0
    - require:
      - postgres_user: cellar role
{%- endif %}
