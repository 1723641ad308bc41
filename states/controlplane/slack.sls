# What of chat is no web server. Slack's tokens are files among the secrets: slack-bot-token, and slack-signing-secret (Slack
# reaches us) or slack-app-token (we reach Slack).
{%- from "controlplane/map.jinja" import controlplane with context %}

include:
  - controlplane.service

cellar slack token:
  file.exists:
    - name: {{ controlplane.secrets }}/slack-bot-token

saltcellar-chat unit:
  file.managed:
    - name: /etc/systemd/system/saltcellar-chat.service
    - source: salt://controlplane/files/app.service.jinja
    - template: jinja
    - context: {{ {"app": "chat"} | json }}
    - mode: '0644'

saltcellar-chat:
  service.running:
    - enable: True
    - watch:
      - file: saltcellar-chat unit
      - file: cellar settings
      - file: cellar secrets are kept
    - require:
      - cmd: cellar schema
      - file: cellar slack token
