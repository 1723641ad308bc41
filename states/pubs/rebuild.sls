# Build the pub's image on the node from its sources, with the same scripts as everywhere, then run the pubs that this run is
# about from it.
{%- from "pubs/map.jinja" import pubs with context %}
{%- set images = pubs.told.bots.values() | selectattr("state", "equalto", "running") | map(attribute="image") | unique %}

include:
  - docker
  - pubs
{%- if not pubs.told.problem %}

pubs image sources:
  file.recurse:
    - name: {{ (pubs.build ~ "/states/pubs/image") | json }}
    - source: salt://pubs/image
    - file_mode: '0644'
    - clean: True
    - makedirs: True
    - require:
      - pub: docker engine

pubs image scripts:
  file.recurse:
    - name: {{ (pubs.build ~ "/vagrant") | json }}
    - source: salt://pubs/scripts
    - file_mode: '0755'
    - clean: True
    - makedirs: True
    - require:
      - pub: docker engine

pubs image build:
  pub.built:
    - scripts: {{ (pubs.build ~ "/vagrant") | json }}
    - logs: {{ (pubs.build ~ "/log") | json }}
    - base_image: {{ pubs.base_image | json }}
    - timeout: 840
    - require:
      - file: pubs image sources
      - file: pubs image scripts
{%- for image in images if not pubs.before_docker %}
{%- if loop.first %}

extend:
{%- endif %}
  {{ ("pub image " ~ image) | json }}:
    pub:
      - made: True
      - require:
        - pub: pubs image build
{%- endfor %}
{%- endif %}
