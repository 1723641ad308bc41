# nginx, which the world reaches and which speaks TLS for the public app. The private app stays on loopback, unless masters on
# other machines must reach it (`masters_listen`).
{%- from "controlplane/map.jinja" import controlplane with context %}

include:
  - controlplane.service

cellar nginx:
  pkg.installed:
    - name: nginx-light

cellar challenges:
  file.directory:
    - name: /var/lib/cellar-acme
    - mode: '0755'

cellar default site:
  file.absent:
    - name: /etc/nginx/sites-enabled/default
    - require:
      - pkg: cellar nginx

# Port 80 redirects to https, and answers the ACME challenges, without which there is no first certificate.
cellar site http:
  file.managed:
    - name: /etc/nginx/conf.d/cellar-http.conf
    - source: salt://controlplane/files/http.conf.jinja
    - template: jinja
    - mode: '0644'
    - require:
      - pkg: cellar nginx

cellar nginx running:
  service.running:
    - name: nginx
    - enable: True
    - reload: True
    - watch:
      - file: cellar site http
      - file: cellar default site
    - require:
      - file: cellar challenges

{%- if controlplane.certificates == "acme" %}

# Debian's certbot comes with a timer that renews certificates.
cellar certbot:
  pkg.installed:
    - name: certbot

cellar certificate:
  cmd.run:
    - name: >-
        certbot certonly --non-interactive --agree-tos --webroot --webroot-path /var/lib/cellar-acme
        --server {{ controlplane.acme_server | json }} --email {{ controlplane.contact | json }}
        --domain {{ controlplane.domain }} --deploy-hook 'systemctl reload nginx'
    - creates: {{ controlplane.certificate }}
    - require:
      - pkg: cellar certbot
      - service: cellar nginx running
{%- else %}

cellar certificate:
  file.exists:
    - names:
      - {{ controlplane.certificate | json }}
      - {{ controlplane.certificate_key | json }}
    - require:
      - service: cellar nginx running
{%- endif %}

cellar site https:
  file.managed:
    - name: /etc/nginx/conf.d/cellar-https.conf
    - source: salt://controlplane/files/https.conf.jinja
    - template: jinja
    - mode: '0644'
    - require:
      - {{ "cmd" if controlplane.certificates == "acme" else "file" }}: cellar certificate

# Notes what nginx has accepted: if it refused something, the next run tries again.
cellar nginx speaks TLS:
  cmd.run:
    - name: nginx -t && systemctl reload nginx && sha256sum cellar-*.conf > cellar.taken
    - cwd: /etc/nginx/conf.d
    - unless: sha256sum --check --status cellar.taken
    - require:
      - file: cellar site https
