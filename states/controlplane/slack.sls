# The part of chat that is no web server. Slack's tokens are files among the secrets: slack-bot-token, and slack-signing-secret
# (Slack connects to us) or slack-app-token (we connect to Slack).
{%- from "controlplane/map.jinja" import controlplane with context %}
{%- from "controlplane/unit.jinja" import app with context %}

include:
  - controlplane.service

cellar slack token:
  file.exists:
    - name: {{ controlplane.secrets }}/slack-bot-token
{{ app("chat", [{"file": "cellar slack token"}]) }}
