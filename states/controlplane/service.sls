# The service: its secrets, its settings, its schema, and its two apps under systemd.
{%- from "controlplane/map.jinja" import controlplane with context %}
{%- from "controlplane/unit.jinja" import app with context %}

include:
  - controlplane.database

# The service passes through here to its secrets, whatever umask this folder was made under.
cellar folder:
  file.directory:
    - name: {{ controlplane.etc }}
    - mode: '0755'

cellar secrets:
  file.directory:
    - name: {{ controlplane.secrets }}
    - user: root
    - group: {{ controlplane.user }}
    - mode: '0750'
    - makedirs: True
    - require:
      - user: cellar user
      - file: cellar folder

{%- for name, bytes in (("secret-key", 48), ("bundle-key", 32)) %}

cellar {{ name }}:
  cmd.run:
    - name: umask 077; openssl rand -hex {{ bytes }} > {{ name }}.part && mv {{ name }}.part {{ name }}
    - cwd: {{ controlplane.secrets }}
    - unless: test -s {{ name }}
    - require:
      - file: cellar secrets
    - require_in:
      - file: cellar secrets are kept
{%- endfor %}

cellar secrets are kept:
  file.managed:
    - names:
{%- for name in controlplane.kept %}
      - {{ controlplane.secrets }}/{{ name }}
{%- endfor %}
    - replace: False
    - user: root
    - group: {{ controlplane.user }}
    - mode: '0640'

cellar settings:
  file.managed:
    - name: {{ controlplane.etc }}/service.env
    - source: salt://controlplane/files/service.env.jinja
    - template: jinja
    - user: root
    - group: {{ controlplane.user }}
    - mode: '0640'
    - require:
      - user: cellar user

cellar command:
  file.managed:
    - name: /usr/local/sbin/cellar
    - source: salt://controlplane/files/cellar.jinja
    - template: jinja
    - mode: '0755'

cellar run:
  file.managed:
    - name: {{ controlplane.run }}
    - source: salt://controlplane/files/run.jinja
    - template: jinja
    - mode: '0755'

cellar schema:
  cmd.run:
    - name: /usr/local/sbin/cellar manage migrate
    - unless: /usr/local/sbin/cellar manage migrate --check
    - require:
      - file: cellar settings
      - file: cellar command
      - file: cellar data
      - file: cellar secrets are kept
{%- if controlplane.database == "postgresql" %}
      - postgres_database: cellar database
{%- endif %}

{%- for name in ("private", "public") %}
{{ app(name) }}
{%- endfor %}
