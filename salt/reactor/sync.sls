{#- A minion that started gets our modules, states and beacons, and its pillar.

Any minion can send this event in another's name: neither the tag nor the data of an event says who sent it. So the event
decides nothing but which one minion is told to fetch what it may have anyway: the target is a list of one literal id (a
forged id of '*' or 'a,b' matches nobody), and neither function takes anything from the event. #}
sync what minions get from the master:
  local.saltutil.sync_all:
    - tgt: {{ [tag.split('/')[2]] | json }}
    - tgt_type: list

refresh its pillar:
  local.saltutil.refresh_pillar:
    - tgt: {{ [tag.split('/')[2]] | json }}
    - tgt_type: list
