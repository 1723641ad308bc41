# The pubs of this node, as its pillar tells. Every value from the pillar passes through `json`, so that it stays a value.
{%- from "pubs/map.jinja" import pubs with context %}
{%- set told = pubs.told %}

{%- if told.problem %}
pubs pillar:
  pub.refused:
    - reason: {{ told.problem | json }}

{%- else %}
include:
  - docker
  - masterless

{%- if told.notice %}
pubs notice:
  test.show_notification:
    - text: {{ told.notice | json }}
{%- endif %}

pubs directories:
  file.directory:
    - names:
      - {{ pubs.bots | json }}
      - {{ pubs.configs | json }}
    - user: 0
    - group: 0
    - mode: '0711'
    - makedirs: True
    - require:
      - pub: docker engine

{%- if pubs.before_docker %}
{%- for id, bot in told.bots.items() if bot.state == "running" %}
{%- include "pubs/bot/planned.jinja" %}
{%- endfor %}

{%- else %}
pubs leftovers:
  pub.tidied:
    - require:
      - pub: docker engine

pubs network:
  # Not Salt's docker_network: it makes a second network for comparison, and disconnects every pub to replace this one.
  pub.network:
    - name: {{ pubs.network | json }}
    - require:
      - pub: docker engine

{%- for image in told.bots.values() | selectattr("state", "equalto", "running") | map(attribute="image") | unique %}

{{ ("pub image " ~ image) | json }}:
  pub.image:
    - image: {{ image | json }}
    - require:
      - pub: docker engine
{%- endfor %}

{%- for id, bot in told.bots.items() %}
{%- if bot.state == "running" %}
{%- include "pubs/bot/running.jinja" %}
{%- elif told.notice %}
{%- include "pubs/bot/waiting.jinja" %}
{%- elif bot.state == "stopped" %}
{%- include "pubs/bot/stopped.jinja" %}
{%- elif bot.state == "absent" %}
{%- include "pubs/bot/absent.jinja" %}
{%- endif %}
{%- endfor %}

pubs unlisted:
  pub.unlisted:
    # An older package of the node has no `known`: it tells of all bots in every run.
    - known: {{ told.known | default(told.bots.keys() | list + told.refused.keys() | list) | json }}
    - require:
      - pub: docker engine
{%- endif %}

{%- for id, reason in told.refused.items() %}

{{ (id ~ " pillar") | json }}:
  pub.refused:
    - reason: {{ reason | json }}
{%- endfor %}
{%- endif %}
