# salt-master, which lets nodes in and publishes what the service wants; of the service it speaks only with the private app.
{%- from "controlplane/map.jinja" import controlplane with context %}
{%- from "controlplane/unit.jinja" import runs with context %}

include:
  - controlplane.service

# Made here, because Salt itself would make the cache readable for everybody.
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

# Made again when the machine's name has changed: the service takes a token only from the master that it was made for.
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

# An older place, or its backup, has the keys under Salt's default name: without copies under this name, Salt would make new ones.
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

# Salt reopens its log when the file is replaced, so it need not be notified.
cellar logs are rotated:
  file.managed:
    - name: /etc/logrotate.d/saltcellar-master
    - source: salt://controlplane/files/logrotate.jinja
    - template: jinja
    - mode: '0644'
{%- set its_own = [{"file": "cellar master configuration"}, {"cmd": "cellar master token"}, {"cmd": "cellar master keys"}] %}
{%- set first = its_own + [{"cmd": "saltcellar-private goes by what it is told"}] %}
{{ runs("saltcellar-master", "master.service.jinja", {}, controlplane.salt ~ "/master", first) }}
