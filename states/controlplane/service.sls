# The service: its secrets, its settings, its schema, and its two apps under systemd.
{%- from "controlplane/map.jinja" import controlplane with context %}
{%- from "controlplane/unit.jinja" import app with context %}

include:
  - controlplane.database

# The service must be able to pass through here to its secrets, whatever umask this folder was made under.
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

# Who may ask for what is decided by this place, and stays across releases; the commands are the release's, unless this place has
# its own file.
cellar catalogue:
  file.directory:
    - name: {{ controlplane.etc }}/meeseeks
    - user: root
    - group: {{ controlplane.user }}
    - mode: '0750'
    - require:
      - user: cellar user
      - file: cellar folder

cellar commands:
  file.symlink:
    - name: {{ controlplane.etc }}/meeseeks/commands.yaml
    - target: {{ controlplane.tree }}/salt/meeseeks/commands.yaml
    - unless: test -f {{ controlplane.etc }}/meeseeks/commands.yaml -a ! -L {{ controlplane.etc }}/meeseeks/commands.yaml
    - require:
      - file: cellar catalogue
    - require_in:
      - file: cellar settings
{%- for name in ("roles", "personas") %}

cellar {{ name }}:
  file.managed:
    - name: {{ controlplane.etc }}/meeseeks/{{ name }}.yaml
    - source: {{ controlplane.tree }}/salt/meeseeks/{{ name }}.yaml
    - replace: False
    - user: root
    - group: {{ controlplane.user }}
    - mode: '0640'
    - require:
      - file: cellar catalogue
    - require_in:
      - file: cellar settings
{%- endfor %}

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
