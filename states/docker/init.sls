# A Docker engine that answers. If one answers already, whoever installed it, nothing is done.
{%- from "docker/map.jinja" import docker with context %}

{#- Asked here, because for an `unless` Salt would load every module there is (states/_states/pub.py says why). #}
{%- if docker.manage and not salt["pubs.engine"]() %}
docker package:
  pkg.installed:
    - name: {{ docker.package | json }}

docker service:
  service.running:
    - name: {{ docker.service | json }}
    - enable: True
    - require:
      - pkg: docker package
    - require_in:
      - pub: docker engine
{%- endif %}

docker engine:
  pub.engine:
    - made: {{ docker.manage | json }}
