base:
  '*':
    - docker
    - pubs
    - meeseeks
