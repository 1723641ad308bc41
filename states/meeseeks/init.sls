# What this node needs for commands of the catalogue: its labels as grains, from a file that states/_grains/cellar_labels.py reads.
{%- set told = salt["pubs.told"]() %}
{%- set data = salt["config.get"]("saltcellar:data") or "/var/lib/saltcellar" %}

{%- if told.problem %}
meeseeks pillar:
  pub.refused:
    - reason: {{ told.problem | json }}

{%- else %}
meeseeks labels:
  file.managed:
    - name: {{ (data ~ "/labels.json") | json }}
    - contents: {{ told.labels | json | json }}
    - user: 0
    - group: 0
    - mode: '0644'
    - makedirs: True

meeseeks grains:
  module.run:
    - saltutil.refresh_grains: []
    - onchanges:
      - file: meeseeks labels
{%- endif %}
