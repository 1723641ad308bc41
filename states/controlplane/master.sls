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

# The machine may have another name since: the service takes a token for the master alone for which it was made.
cellar master token:
  cmd.run:
    - name: >-
        umask 077; /usr/local/sbin/cellar manage master-token {{ grains["host"] | json }} > master-token.part &&
        mv master-token.part master-token && echo {{ grains["host"] | json }} > master-token.name
    - cwd: {{ controlplane.salt }}
    - unless: test -s master-token && grep -qxF {{ grains["host"] | json }} master-token.name
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

# A place from before the keys were called so, or its backup: Salt would make others.
cellar master keys:
  cmd.run:
    - name: for half in pub pem; do install -m 400 master.$half saltcellar.$half; done
    - cwd: {{ controlplane.data }}/master/pki
    - onlyif: test -s {{ controlplane.data }}/master/pki/master.pem
    - unless: test -e {{ controlplane.data }}/master/pki/saltcellar.pem
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
{%- set its_own = [{"file": "cellar master configuration"}, {"cmd": "cellar master token"}, {"cmd": "cellar master keys"}] %}
{%- set first = its_own + [{"cmd": "saltcellar-private goes by what it is told"}] %}
{{ runs("saltcellar-master", "master.service.jinja", {}, controlplane.salt ~ "/master", first) }}
