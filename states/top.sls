base:
  '*':
    - docker
    - pubs
