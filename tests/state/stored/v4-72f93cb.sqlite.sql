CREATE TABLE archive (
	first BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	targets TEXT NOT NULL, 
	body BLOB NOT NULL, 
	sketch BLOB, 
	PRIMARY KEY (first)
);
INSERT INTO archive ("first", "last", "targets", "body", "sketch") VALUES (1, 2, '["prod"]', X'78daa551cb4ec33010bcf315952f3dd0043b2d452084e01fb8b555b58d3789851fa91f88fe3dde14422fa548aca278c6ce4e66c72b1670cf662c826f3166609c44bdb5607024efe883723673d7a38798f156c94ca56a315053ed8c51047a885d5eb4b2d40e2976ce8f3a43cf11860831854c3dee53d6389e5917b73b6c9cc74153d2223182d22446fa6fcad287f5a1d678ec813a0ebfc0ded51ddb5cad4476e11d1df569a755e890b02879c94f272888c97f1659f9637d8f1e4a79b35baf93ac9b669d2b71be10e5014c9ef16ec65e244ca6b489f7d3c9234878c60f30bdc6d2f9f689cd6cd2fafc8b55bc5a164214d5fc55540f9ce7a714d57c71bbbc1e4876a14cef7c2cbe82c7314e0a6454ca3956bfe578c1869285f86954b6a59ba6ad0b7ec559bf273e4f65369ff700e48e', X'00000000020000000000080010840000000000000001002000000000000000080000000000000000000000000008000000000000002000000000000828010240');
CREATE TABLE journal (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
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
	epoch BIGINT
);
CREATE INDEX journal_by_commit ON journal (target, "commit");
CREATE INDEX journal_by_model_id ON journal (target, model_id);
CREATE INDEX journal_by_pair ON journal (target, model_name, model_version);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch") VALUES (3, '2026-11-23T12:02:00.123456+00:00', 'published', 'prod', 'published', '1.0.0', 'cycle-2', NULL, NULL, NULL, NULL, NULL, NULL, 'id-1', 'published', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch") VALUES (4, '2026-11-23T12:03:00.123456+00:00', 'import-requested', 'prod', 'vanished', '1.0.0', 'cycle-3', 'operation-3', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch") VALUES (5, '2026-11-23T12:04:00.123456+00:00', 'imported', 'prod', 'vanished', '1.0.0', 'cycle-4', NULL, NULL, NULL, NULL, NULL, NULL, 'id-2', 'published', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch") VALUES (6, '2026-11-23T12:05:00.123456+00:00', 'missing', 'prod', 'vanished', '1.0.0', 'cycle-5', NULL, NULL, 'cccccccccccccccccccccccccccccccccccccccc', NULL, NULL, NULL, 'id-2', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch") VALUES (7, '2026-11-23T12:06:00.123456+00:00', 'import-requested', 'dev', 'rejected', '1.0.0', 'cycle-6', 'operation-6', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch") VALUES (8, '2026-11-23T12:07:00.123456+00:00', 'rejected', 'dev', 'rejected', '1.0.0', 'cycle-7', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'ModelArts.0203', 'quotes '' and \\ and \u0000', NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch") VALUES (9, '2026-11-23T12:08:00.123456+00:00', 'import-requested', 'prod', 'postponed', '1.0.0', 'cycle-8', 'operation-8', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch") VALUES (10, '2026-11-23T12:09:00.123456+00:00', 'postponed', 'prod', 'postponed', '1.0.0', 'cycle-9', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-23T13:00:00.123456+00:00', '503', NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch") VALUES (11, '2026-11-23T12:10:00.123456+00:00', 'import-requested', 'dev', 'open', '1.0.0', 'cycle-10', 'operation-10', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE lease (
	target TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	epoch BIGINT NOT NULL, 
	since DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	PRIMARY KEY (target)
);
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
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES ('prod', 'published', '1.0.0', 'registered', 'published', '2026-11-23T12:02:00.123456+00:00', 1, 0, 1, 'operation-0', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', 'id-1', 'published', 'r-1', NULL, NULL, NULL);
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES ('prod', 'vanished', '1.0.0', 'registered', 'missing', '2026-11-23T12:05:00.123456+00:00', 1, 1, 1, 'operation-3', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', 'id-2', 'published', NULL, NULL, NULL, NULL);
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES ('dev', 'rejected', '1.0.0', 'rejected', 'rejected', '2026-11-23T12:07:00.123456+00:00', 1, 0, 1, 'operation-6', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, 'ModelArts.0203', 'quotes '' and \\ and \u0000');
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES ('prod', 'postponed', '1.0.0', 'postponed', 'postponed', '2026-11-23T12:09:00.123456+00:00', 1, 0, 0, 'operation-8', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, '2026-11-23T13:00:00.123456+00:00', '503', NULL);
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES ('dev', 'open', '1.0.0', 'intended', 'import-requested', '2026-11-23T12:10:00.123456+00:00', 1, 0, 0, 'operation-10', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE mark (
	target TEXT NOT NULL, 
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (target, name)
);
INSERT INTO mark ("target", "name", "value") VALUES ('prod', 'standing', 'cccccccccccccccccccccccccccccccccccccccc');
INSERT INTO mark ("target", "name", "value") VALUES ('', 'reconciled-commit', 'cccccccccccccccccccccccccccccccccccccccc');
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO meta ("key", "value") VALUES ('program', 'model-reconciler');
INSERT INTO meta ("key", "value") VALUES ('schema_version', '4');
INSERT INTO meta ("key", "value") VALUES ('lineage', '7792be7f8ac54c90990eb30d5e9dd281');
INSERT INTO meta ("key", "value") VALUES ('created_at', '2026-11-23T12:00:00.123456+00:00');
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
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
CREATE TABLE reconciled (
	seq INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	"commit" TEXT NOT NULL, 
	position BIGINT NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE INDEX reconciled_by_commit ON reconciled ("commit");
CREATE TABLE replica (
	holder TEXT NOT NULL, 
	expires_at DATETIME NOT NULL, 
	PRIMARY KEY (holder)
);
CREATE TABLE report (
	id INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO report ("id", "body") VALUES (1, '{"commit":"cccccccccccccccccccccccccccccccccccccccc","digest":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","failures":[{"target":"dev","message":"target dev: it does not answer","exit_code":3}],"notes":["the work tree is dirty"]}');
CREATE TABLE standing (
	id INTEGER NOT NULL, 
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
CREATE TABLE target (
	name TEXT NOT NULL, 
	identity TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO target ("name", "identity") VALUES ('prod', 'modelarts https://modelarts.example.org project p workspace 0');
INSERT INTO target ("name", "identity") VALUES ('dev', 'embedded');
