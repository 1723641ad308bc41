# A Docker engine that answers. Where one answers already, whoever installed it, nothing is done.
{%- from "docker/map.jinja" import docker with context %}

{%- if docker.manage %}
docker package:
  pkg.installed:
    - name: {{ docker.package | json }}
    - unless:
      - fun: pubs.engine

docker service:
  service.running:
    - name: {{ docker.service | json }}
    - enable: True
    - unless:
      - fun: pubs.engine
    - require:
      - pkg: docker package
    - require_in:
      - pub: docker engine
{%- endif %}

docker engine:
  pub.engine:
    - made: {{ docker.manage | json }}
