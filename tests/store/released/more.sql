-- What the scene leaves empty, so that each table of a dump has rows; @bot, @person, @node, @lost and @job are ids of the scene.
INSERT INTO bundle VALUES (1, 1.7e9, 1.9e9, NULL, 'command line', '{"serial": 1}', 'e30=');
INSERT INTO chat_alias VALUES ('chat:T01ABC:U01ABC', 'again', 'restart-bot my', 1.7e9);
INSERT INTO chat_person VALUES ('T01ABC', 'U01ABC', '@person', 1.7e9);
INSERT INTO command_token VALUES ('c1', 'account:@person', 'nightly', 'mm_1', 'hash-1', 'disk', '{}', 'all', 'C1', 1.7e9, 1.9e9, NULL);
INSERT INTO heard VALUES ('h1', '{}', 1.7e9, 1.7e9), ('h2', '{}', 1.7e9, NULL);
INSERT INTO hold VALUES ('@person', 'operator', 'command line', 1.7e9);
INSERT INTO machine_order VALUES ('o1', NULL, 'command line', 'rack-1', 'rack-1', '{}', 'scaleway', 'fr-par-1', 'DEV1-S', 'debian', 20,
    'retired', NULL, 'm1', '192.0.2.1', NULL, 1, 1.7e9, 1.7e9, 1.7e9, 1.7e9);
INSERT INTO node_share VALUES ('@node', 'owner@example.org');
INSERT INTO provider_event VALUES ('evt_1', 'invoice.paid', '@person', 1.7e9, 1.7e9);
INSERT INTO session VALUES ('s1', '@person', 1.7e9, 1.7e9, '192.0.2.7', 'Firefox');
INSERT INTO token VALUES ('t1', '@person', 'personal', 'mine', 'sc_1', 'hash-2', '["agents:read"]', 'mark', 1.7e9, 1.9e9, NULL);
INSERT INTO run VALUES ('r1', NULL, 'meeseeks.run', '[]', '{}', 'salt', NULL, 'over', 60, FALSE, 1.7e9, 1.7e9, FALSE);
INSERT INTO job (id, command, bot, node, state, arguments, attempts, actor, fingerprint, run, created_at, not_before, parts, plan) VALUES
    ('j1', 'disk', NULL, NULL, 'running', '{}', 0, 'account:@person', '', 'r1', 1.7e9, 1.7e9, 1, '{}'),
    ('j2', 'restart-bot', '@bot', '@node', 'asked', '{}', 0, 'account:@person', '', NULL, 1.7e9, 1.7e9, 0, NULL);
INSERT INTO job (id, command, bot, node, state, arguments, attempts, actor, fingerprint, run, created_at, not_before, parts, parent, begun)
    VALUES ('j3', 'disk', NULL, '@node', 'running', '{}', 1, 'account:@person', '', NULL, 1.7e9, 1.7e9, 0, 'j1', 1);
INSERT INTO job_line (job, n, key, text, at, stream) VALUES ('j3', 1, '1:1', '/dev/sda1 80 %', 1.7e9, 'stdout');
INSERT INTO job_output VALUES ('j3', 1, 1, 1, 14, 0);
INSERT INTO challenge VALUES ('ch1', 'j2', 1, 'approval', 'open', '{}', 'operators', 2, 1.7e9, 1.9e9);
INSERT INTO vote VALUES ('ch1', 'account:@person', TRUE, 1.7e9);
INSERT INTO conversation VALUES ('v1', 'T01ABC', 'C1', NULL, '1.2', 'U01ABC', 'mrmeeseeks', 'j3', NULL, NULL, 1.7e9, NULL);
INSERT INTO outgoing VALUES ('u1', 1, 'C1', 'post', 'v1', 'C1', NULL, NULL, NULL, '{}', NULL, 'queued', 0, 1.7e9, 1.7e9, NULL, NULL);
INSERT INTO move VALUES
    ('m1', '@bot', '@lost', '@node', 'left', '@job', '', 'operator', 1.7e9, 1.7e9),
    ('m2', '@bot', 'cellar-0', '@node', 'left', '@job', '', 'operator', 1.6e9, 1.6e9),
    ('m3', '@bot', '@node', 'cellar-0', 'done', '@job', '', 'operator', 1.5e9, 1.5e9);
