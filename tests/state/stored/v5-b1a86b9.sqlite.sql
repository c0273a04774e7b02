CREATE TABLE archive (
	first BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	targets TEXT NOT NULL, 
	body BLOB NOT NULL, 
	sketch BLOB, 
	PRIMARY KEY (first)
);
INSERT INTO archive ("first", "last", "targets", "body", "sketch") VALUES (1, 2, '["prod"]', X'78daa551cb4ec33010bcf315552e3dd0043b2d452084e01fb8b555e5c6dbc4c2affa81e8dfb39b40a890a04858513ce3f58cc7eb5511e150cc8a24420b09817112f4d60a032379851095b3c89d872012e2ad9248a56a2192a871c628025ea40e27ad2cc9454e9d0ba34faf19604c22e58834c021a3c750b32e6d77b077017a4f4993842494468092b637a5735e942541736c340c5ad1a4fe28f0aee98acdc58a639ae0a8e4f34eabd801615eb18a9ddea42426ff3928ca1fc7670b6225af76eb7596cd7ebfc691195bf0ea280cdef566563c493199d222dc4e27f7428a477813c66ba85c681f8a99cd5a9ff91535ab9725e7653d7fe6f51d63f855bc9e2fae97973dc128ca781752f9f10a30f694ba323a6133ebdf9a7926869225ff122adbd2b3d3d2f78d1eac1ccadf92f31f939f243e35dcbc035c59ec4e', X'00000000020000000000080010840000000000000001002000000000000000080000000000000000000000000008000000000000002000000000000828010240');
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
	epoch BIGINT, 
	stage TEXT
);
CREATE INDEX journal_by_commit ON journal (target, "commit");
CREATE INDEX journal_by_model_id ON journal (target, model_id);
CREATE INDEX journal_by_pair ON journal (target, model_name, model_version);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch", "stage") VALUES (3, '2026-11-23T12:02:00.123456+00:00', 'published', 'prod', 'published', '1.0.0', 'cycle-2', NULL, NULL, NULL, NULL, NULL, NULL, 'id-1', 'published', NULL, NULL, NULL, NULL, NULL, NULL, 'published');
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch", "stage") VALUES (4, '2026-11-23T12:03:00.123456+00:00', 'import-requested', 'prod', 'vanished', '1.0.0', 'cycle-3', 'operation-3', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch", "stage") VALUES (5, '2026-11-23T12:04:00.123456+00:00', 'imported', 'prod', 'vanished', '1.0.0', 'cycle-4', NULL, NULL, NULL, NULL, NULL, NULL, 'id-2', 'published', NULL, NULL, NULL, NULL, NULL, NULL, 'published');
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch", "stage") VALUES (6, '2026-11-23T12:05:00.123456+00:00', 'missing', 'prod', 'vanished', '1.0.0', 'cycle-5', NULL, NULL, 'cccccccccccccccccccccccccccccccccccccccc', NULL, NULL, NULL, 'id-2', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch", "stage") VALUES (7, '2026-11-23T12:06:00.123456+00:00', 'import-requested', 'dev', 'rejected', '1.0.0', 'cycle-6', 'operation-6', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch", "stage") VALUES (8, '2026-11-23T12:07:00.123456+00:00', 'rejected', 'dev', 'rejected', '1.0.0', 'cycle-7', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'ModelArts.0203', 'quotes '' and \\ and \u0000', NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch", "stage") VALUES (9, '2026-11-23T12:08:00.123456+00:00', 'import-requested', 'prod', 'postponed', '1.0.0', 'cycle-8', 'operation-8', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch", "stage") VALUES (10, '2026-11-23T12:09:00.123456+00:00', 'postponed', 'prod', 'postponed', '1.0.0', 'cycle-9', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-23T13:00:00.123456+00:00', '503', NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "actor", "epoch", "stage") VALUES (11, '2026-11-23T12:10:00.123456+00:00', 'import-requested', 'dev', 'open', '1.0.0', 'cycle-10', 'operation-10', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
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
	stage TEXT, 
	PRIMARY KEY (target, model_name, model_version)
);
CREATE INDEX ledger_by_path ON ledger (target, path);
CREATE INDEX ledger_by_rest ON ledger (target, at_rest);
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "stage") VALUES ('prod', 'published', '1.0.0', 'registered', 'published', '2026-11-23T12:02:00.123456+00:00', 1, 0, 1, 'operation-0', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', 'id-1', 'published', 'r-1', NULL, NULL, NULL, 'published');
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "stage") VALUES ('prod', 'vanished', '1.0.0', 'registered', 'missing', '2026-11-23T12:05:00.123456+00:00', 1, 1, 1, 'operation-3', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', 'id-2', 'published', NULL, NULL, NULL, NULL, 'published');
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "stage") VALUES ('dev', 'rejected', '1.0.0', 'rejected', 'rejected', '2026-11-23T12:07:00.123456+00:00', 1, 0, 1, 'operation-6', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, 'ModelArts.0203', 'quotes '' and \\ and \u0000', NULL);
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "stage") VALUES ('prod', 'postponed', '1.0.0', 'postponed', 'postponed', '2026-11-23T12:09:00.123456+00:00', 1, 0, 0, 'operation-8', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, '2026-11-23T13:00:00.123456+00:00', '503', NULL, NULL);
INSERT INTO ledger ("target", "model_name", "model_version", "phase", "last", "updated_at", "attempts", "disappearances", "at_rest", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail", "stage") VALUES ('dev', 'open', '1.0.0', 'intended', 'import-requested', '2026-11-23T12:10:00.123456+00:00', 1, 0, 0, 'operation-10', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
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
INSERT INTO meta ("key", "value") VALUES ('schema_version', '5');
INSERT INTO meta ("key", "value") VALUES ('lineage', 'f6ee5aab37f448739d9131c4d4507b86');
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
