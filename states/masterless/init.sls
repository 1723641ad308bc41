# What this node uses while no master answers: the pillar of this run, and the states that it is applied with. A run with an old
# copy of the pillar keeps nothing.
{%- from "pubs/map.jinja" import pubs with context %}
{%- if not pubs.told.notice %}

masterless pillar:
  # Kept before anything is stopped: the duty that keeps bots running must not use an older pillar.
  pub.pillar_kept:
    - order: first

masterless states:
  file.recurse:
    - names:
{%- for formula in ["docker", "masterless", "pubs"] %}
      - {{ (pubs.masterless ~ "/states/" ~ formula) | json }}:
        - source: salt://{{ formula }}
{%- endfor %}
    # Not the sources of the image, which is built only when somebody asks for it.
    - exclude_pat: E@^(image|scripts)/
    - clean: True
    - dir_mode: '0700'
    - file_mode: '0600'
    - makedirs: True

masterless seal:
  pub.states_kept:
    - require:
      - file: masterless states
{%- endif %}
