# salt-master, which lets nodes in and publishes what the service wants; it speaks with the private app alone. And the wheels that
# new nodes install from.
{%- from "controlplane/map.jinja" import controlplane with context %}
{%- from "controlplane/unit.jinja" import runs with context %}

include:
  - controlplane.service

# The cache before Salt makes it itself, for everybody to read.
cellar master folders:
  file.directory:
    - names:
      - {{ controlplane.salt }}
      - {{ controlplane.data }}/master
      - {{ controlplane.data }}/master/cache
      - {{ controlplane.log }}
    - user: root
    - group: root
    - mode: '0700'
    - makedirs: True

cellar master token:
  cmd.run:
    - name: umask 077; /usr/local/sbin/cellar manage master-token {{ grains["host"] | json }} > master-token.part && mv master-token.part master-token
    - cwd: {{ controlplane.salt }}
    - unless: test -s master-token
    - require:
      - file: cellar master folders
      - cmd: cellar schema

cellar master configuration:
  file.managed:
    - name: {{ controlplane.salt }}/master
    - source: salt://controlplane/files/master.jinja
    - template: jinja
    - mode: '0600'
    - require:
      - file: cellar master folders

cellar logrotate:
  pkg.installed:
    - name: logrotate

# Salt opens its log anew when it is another file, so nothing has to be told to it.
cellar logs are rotated:
  file.managed:
    - name: /etc/logrotate.d/saltcellar-master
    - source: salt://controlplane/files/logrotate.jinja
    - template: jinja
    - mode: '0644'
{%- set first = [{"file": "cellar master configuration"}, {"cmd": "cellar master token"}, {"cmd": "saltcellar-private goes by what it is told"}] %}
{{ runs("saltcellar-master", "master.service.jinja", {}, controlplane.salt ~ "/master", first) }}
