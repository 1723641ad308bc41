# What this node goes by while no master answers: the pillar of this very run, and the states that it is applied with.
# A run that goes by these already keeps nothing.
{%- from "pubs/map.jinja" import pubs with context %}
{%- if not pubs.told.notice %}

masterless pillar:
  # Before anything is stopped: what keeps bots running must not go by an older one.
  pub.pillar_kept:
    - order: first

masterless states:
  file.recurse:
    - names:
{%- for formula in ["docker", "masterless", "pubs"] %}
      - {{ (pubs.masterless ~ "/states/" ~ formula) | json }}:
        - source: salt://{{ formula }}
{%- endfor %}
    # An image is built only when somebody asks for it.
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
