CREATE TABLE archive (
	first BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	targets TEXT NOT NULL, 
	body BYTEA NOT NULL, 
	sketch BYTEA, 
	PRIMARY KEY (first)
);
INSERT INTO archive ("first", "last", "targets", "body", "sketch") VALUES (1, 2, '["prod"]', '\x78daa551cb6ec23010bcf72b502e1c4a523b50aa5655d5fe436f80d0126f82553f821f55f9fbee02a55c28485d45f1cc3a3b1e4f6645c44d312a12840e1301eb159aa5038b47f289216aef88fb1e0324c24bad882add61e4a1c65bab19f490d6b418ed781c725afb70d4d9cdec614c9072241a70934963bfe77c5aaeb0f501779a8a178509b46131d6ffd08e3f6cb68dc1fd0c34898e58dccc249d1e3cb7fabc323aae91b1ac44254e9d97ccd43f8b2d5c593f578e95ba5bcde759356d3ba7ca424c64b5054b777b18156f0a06436ee2e370f00c0a5ef10b6c6fb0f2a17b29462e1b73fe55d4a29e965296f5f85dd64f42d053c97a3cb99fdeee08b9d0b6f7219587c0f1182307c2221461fd5784171c6855cadf41ed3afeb9dcba60559eb57a62f120b3f806f793de41', '\x00000000020000000000080010840000000000000001002000000000000000080000000000000000000000000008000000000000002000000000000828010240');
CREATE TABLE journal (
	seq BIGSERIAL NOT NULL, 
	at TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	target TEXT NOT NULL, 
	model_name TEXT NOT NULL, 
	model_version TEXT NOT NULL, 
	cycle_id TEXT NOT NULL, 
	operation_id TEXT, 
	digest TEXT, 
	"commit" TEXT, 
	path TEXT, 
	line BIGINT, 
	author TEXT, 
	model_id TEXT, 
	model_status TEXT, 
	request_id TEXT, 
	not_before TEXT, 
	code TEXT, 
	detail TEXT, 
	actor TEXT, 
	PRIMARY KEY (seq)
);
CREATE INDEX journal_by_commit ON journal (target, "commit");
CREATE INDEX journal_by_model_id ON journal (target, model_id);
CREATE INDEX journal_by_pair ON journal (target, model_name, model_version);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor") VALUES (3, '2026-11-23T12:02:00.123456+00:00', 'published', 'prod', 'published', '1.0.0', 'cycle-2', NULL, NULL, NULL, NULL, NULL, NULL, 'id-1', 'published', NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor") VALUES (4, '2026-11-23T12:03:00.123456+00:00', 'import-requested', 'prod', 'vanished', '1.0.0', 'cycle-3', 'operation-3', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor") VALUES (5, '2026-11-23T12:04:00.123456+00:00', 'imported', 'prod', 'vanished', '1.0.0', 'cycle-4', NULL, NULL, NULL, NULL, NULL, NULL, 'id-2', 'published', NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor") VALUES (6, '2026-11-23T12:05:00.123456+00:00', 'missing', 'prod', 'vanished', '1.0.0', 'cycle-5', NULL, NULL, 'cccccccccccccccccccccccccccccccccccccccc', NULL, NULL, NULL, 'id-2', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor") VALUES (7, '2026-11-23T12:06:00.123456+00:00', 'import-requested', 'dev', 'rejected', '1.0.0', 'cycle-6', 'operation-6', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor") VALUES (8, '2026-11-23T12:07:00.123456+00:00', 'rejected', 'dev', 'rejected', '1.0.0', 'cycle-7', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'ModelArts.0203', 'quotes '' and \\ and \u0000', NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor") VALUES (9, '2026-11-23T12:08:00.123456+00:00', 'import-requested', 'prod', 'postponed', '1.0.0', 'cycle-8', 'operation-8', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor") VALUES (10, '2026-11-23T12:09:00.123456+00:00', 'postponed', 'prod', 'postponed', '1.0.0', 'cycle-9', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-23T13:00:00.123456+00:00', '503', NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor") VALUES (11, '2026-11-23T12:10:00.123456+00:00', 'import-requested', 'dev', 'open', '1.0.0', 'cycle-10', 'operation-10', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT setval(pg_get_serial_sequence('journal', 'seq'), (SELECT coalesce(max(seq), 1) FROM journal));
CREATE TABLE ledger (
	target TEXT NOT NULL, 
	model_name TEXT NOT NULL, 
	model_version TEXT NOT NULL, 
	phase TEXT NOT NULL, 
	last TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	disappearances INTEGER NOT NULL, 
	at_rest BOOLEAN NOT NULL, 
	operation_id TEXT, 
	digest TEXT, 
	"commit" TEXT, 
	path TEXT, 
	line BIGINT, 
	author TEXT, 
	model_id TEXT, 
	model_status TEXT, 
	request_id TEXT, 
	not_before TEXT, 
	code TEXT, 
	detail TEXT, 
	PRIMARY KEY (target, model_name, model_version)
);
CREATE INDEX ledger_by_path ON ledger (target, path);
CREATE INDEX ledger_by_rest ON ledger (target, at_rest);
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES ('prod', 'published', '1.0.0', 'registered', 'published', '2026-11-23T12:02:00.123456+00:00', 1, 0, true, 'operation-0', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', 'id-1', 'published', 'r-1', NULL, NULL, NULL);
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES ('prod', 'vanished', '1.0.0', 'registered', 'missing', '2026-11-23T12:05:00.123456+00:00', 1, 1, true, 'operation-3', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', 'id-2', 'published', NULL, NULL, NULL, NULL);
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES ('dev', 'rejected', '1.0.0', 'rejected', 'rejected', '2026-11-23T12:07:00.123456+00:00', 1, 0, true, 'operation-6', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, 'ModelArts.0203', 'quotes '' and \\ and \u0000');
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES ('prod', 'postponed', '1.0.0', 'postponed', 'postponed', '2026-11-23T12:09:00.123456+00:00', 1, 0, false, 'operation-8', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, '2026-11-23T13:00:00.123456+00:00', '503', NULL);
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES ('dev', 'open', '1.0.0', 'intended', 'import-requested', '2026-11-23T12:10:00.123456+00:00', 1, 0, false, 'operation-10', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE mark (
	target TEXT NOT NULL, 
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (target, name)
);
INSERT INTO mark ("target", "name", "value") VALUES ('prod', 'standing', 'cccccccccccccccccccccccccccccccccccccccc');
INSERT INTO mark ("target", "name", "value") VALUES ('', 'reconciled-commit', 'cccccccccccccccccccccccccccccccccccccccc');
CREATE TABLE meta (
	key TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (key)
);
INSERT INTO meta ("key", "value") VALUES ('program', 'model-reconciler');
INSERT INTO meta ("key", "value") VALUES ('schema_version', '3');
INSERT INTO meta ("key", "value") VALUES ('lineage', 'e9f471bbb7cc42a4af765fd089bc6a8b');
INSERT INTO meta ("key", "value") VALUES ('created_at', '2026-11-23T12:00:00.123456+00:00');
CREATE TABLE outbox (
	id BIGSERIAL NOT NULL, 
	message_id TEXT NOT NULL, 
	sink TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	target TEXT NOT NULL, 
	model_name TEXT, 
	model_version TEXT, 
	path TEXT, 
	episode TEXT NOT NULL, 
	verdict TEXT, 
	facts TEXT NOT NULL, 
	at TEXT NOT NULL, 
	is_open BOOLEAN NOT NULL, 
	sent_at TEXT, 
	attempts INTEGER NOT NULL, 
	not_before TEXT, 
	error TEXT, 
	digest TEXT, 
	PRIMARY KEY (id)
);
CREATE UNIQUE INDEX outbox_by_message ON outbox (message_id);
CREATE INDEX outbox_by_sink ON outbox (sink, sent_at);
SELECT setval(pg_get_serial_sequence('outbox', 'id'), (SELECT coalesce(max(id), 1) FROM outbox));
CREATE TABLE reconciled (
	seq BIGSERIAL NOT NULL, 
	at TEXT NOT NULL, 
	"commit" TEXT NOT NULL, 
	position BIGINT NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE INDEX reconciled_by_commit ON reconciled ("commit");
SELECT setval(pg_get_serial_sequence('reconciled', 'seq'), (SELECT coalesce(max(seq), 1) FROM reconciled));
CREATE TABLE report (
	id INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO report ("id", "body") VALUES (1, '{"commit":"cccccccccccccccccccccccccccccccccccccccc","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","failures":[{"target":"dev","message":"target dev: it does not answer","exit_code":3}],"notes":["the work tree is dirty"]}');
CREATE TABLE standing (
	id BIGSERIAL NOT NULL, 
	target TEXT NOT NULL, 
	model_name TEXT, 
	model_version TEXT, 
	verdict TEXT NOT NULL, 
	path TEXT, 
	line BIGINT, 
	"commit" TEXT, 
	author TEXT, 
	model_id TEXT, 
	model_status TEXT, 
	digest TEXT, 
	told TEXT, 
	since TEXT, 
	PRIMARY KEY (id)
);
CREATE INDEX standing_by_pair ON standing (target, model_name, model_version);
CREATE INDEX standing_not_in_sync ON standing (target, verdict) WHERE verdict <> 'in-sync';
CREATE INDEX standing_seen ON standing (target) WHERE verdict = 'in-sync' AND digest IS NULL;
INSERT INTO standing ("id", "target", "model_name", "model_version", "verdict", "path", "line", "commit", "author", "model_id", "model_status", "digest", "told", "since") VALUES (1, 'prod', NULL, NULL, 'invalid', 'models.d/\udcff.yaml', NULL, NULL, NULL, NULL, NULL, NULL, '{"reasons":[["bad","so","x",1,2,"error",null]],"diff":[],"next":null}', NULL);
INSERT INTO standing ("id", "target", "model_name", "model_version", "verdict", "path", "line", "commit", "author", "model_id", "model_status", "digest", "told", "since") VALUES (2, 'prod', 'postponed', '1.0.0', 'waiting', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"reasons":[["postponed","503",null,null,null,"error",null]],"diff":[],"next":null}', NULL);
INSERT INTO standing ("id", "target", "model_name", "model_version", "verdict", "path", "line", "commit", "author", "model_id", "model_status", "digest", "told", "since") VALUES (3, 'prod', 'published', '1.0.0', 'in-sync', NULL, NULL, NULL, NULL, 'id-1', NULL, 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', NULL, NULL);
SELECT setval(pg_get_serial_sequence('standing', 'id'), (SELECT coalesce(max(id), 1) FROM standing));
CREATE TABLE target (
	name TEXT NOT NULL, 
	identity TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO target ("name", "identity") VALUES ('prod', 'modelarts https://modelarts.example.org project p workspace 0');
INSERT INTO target ("name", "identity") VALUES ('dev', 'embedded');
