CREATE TABLE archive (
	first BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	targets TEXT NOT NULL, 
	body BLOB NOT NULL, 
	PRIMARY KEY (first)
);
INSERT INTO archive ("first", "last", "targets", "body") VALUES (1, 2, '["prod"]', X'78daa551cb4ec33010bcf315952f3dd0043b2d452084e01fb83555e5c4dbc4c28fd40f44ff9edd16422fa548ac227b679d991daf572cc28ecd5892a1838489f50accc6490b23788710b57788fd004126cc375a2154ba8348a4d65bab291964ea7133da115de6d4fb30ea1c38c7342699724418609751e378e67cda34b0f5010e9a8a3605496a4362a4ffa61dfdd8ee5b03c4595fad04760d9eaa436e8c8e3d502e4a5ef253c70521f5cfa0d67f8cefabc652dd34759d55bbddd61899f38528f7d2e29dee66ec45c9c9948a703f9d3c4a259fe143dac140e943f7c4662e1b737e6115af96851045357f15d503e7f895a29a2f6e97d707802eb41d7c48c5d7a0611c1f0e04a757fd36bd0bcdb52ac40f51bb8ede934a175c8ab32e4fdc09b6fe0451e0d7ea');
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
	detail TEXT
);
CREATE INDEX journal_by_pair ON journal (target, model_name, model_version);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES (3, '2026-11-23T12:02:00.123456+00:00', 'published', 'prod', 'published', '1.0.0', 'cycle-2', NULL, NULL, NULL, NULL, NULL, NULL, 'id-1', 'published', NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES (4, '2026-11-23T12:03:00.123456+00:00', 'import-requested', 'prod', 'vanished', '1.0.0', 'cycle-3', 'operation-3', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES (5, '2026-11-23T12:04:00.123456+00:00', 'imported', 'prod', 'vanished', '1.0.0', 'cycle-4', NULL, NULL, NULL, NULL, NULL, NULL, 'id-2', 'published', NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES (6, '2026-11-23T12:05:00.123456+00:00', 'missing', 'prod', 'vanished', '1.0.0', 'cycle-5', NULL, NULL, 'cccccccccccccccccccccccccccccccccccccccc', NULL, NULL, NULL, 'id-2', NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES (7, '2026-11-23T12:06:00.123456+00:00', 'import-requested', 'dev', 'rejected', '1.0.0', 'cycle-6', 'operation-6', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES (8, '2026-11-23T12:07:00.123456+00:00', 'rejected', 'dev', 'rejected', '1.0.0', 'cycle-7', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'ModelArts.0203', 'quotes '' and \\ and \u0000');
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES (9, '2026-11-23T12:08:00.123456+00:00', 'import-requested', 'prod', 'postponed', '1.0.0', 'cycle-8', 'operation-8', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES (10, '2026-11-23T12:09:00.123456+00:00', 'postponed', 'prod', 'postponed', '1.0.0', 'cycle-9', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-23T13:00:00.123456+00:00', '503', NULL);
INSERT INTO journal ("seq", "at", "kind", "target", "model_name", "model_version", "cycle_id", "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id", "not_before", "code", "detail") VALUES (11, '2026-11-23T12:10:00.123456+00:00', 'import-requested', 'dev', 'open', '1.0.0', 'cycle-10', 'operation-10', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'cccccccccccccccccccccccccccccccccccccccc', 'models.d/b\udcff\\u0041.yaml', 7, 'Ada ''é'' <ada@example.org>', NULL, NULL, NULL, NULL, NULL, NULL);
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
INSERT INTO meta ("key", "value") VALUES ('schema_version', '1');
INSERT INTO meta ("key", "value") VALUES ('lineage', 'bf716aad1994479aa3500c4d9731e47d');
INSERT INTO meta ("key", "value") VALUES ('created_at', '2026-11-23T12:00:00.123456+00:00');
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
	PRIMARY KEY (id)
);
CREATE INDEX standing_by_pair ON standing (target, model_name, model_version);
CREATE INDEX standing_by_verdict ON standing (target, verdict);
CREATE INDEX standing_seen ON standing (target) WHERE verdict = 'in-sync' AND digest IS NULL;
INSERT INTO standing ("id", "target", "model_name", "model_version", "verdict", "path", "line", "commit", "author", "model_id", "model_status", "digest", "told") VALUES (1, 'prod', NULL, NULL, 'invalid', 'models.d/\udcff.yaml', NULL, NULL, NULL, NULL, NULL, NULL, '{"reasons":[["bad","so","x",1,2,"error",null]],"diff":[]}');
INSERT INTO standing ("id", "target", "model_name", "model_version", "verdict", "path", "line", "commit", "author", "model_id", "model_status", "digest", "told") VALUES (2, 'prod', 'postponed', '1.0.0', 'waiting', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"reasons":[["postponed","503",null,null,null,"error",null]],"diff":[]}');
INSERT INTO standing ("id", "target", "model_name", "model_version", "verdict", "path", "line", "commit", "author", "model_id", "model_status", "digest", "told") VALUES (3, 'prod', 'published', '1.0.0', 'in-sync', NULL, NULL, NULL, NULL, 'id-1', NULL, 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', NULL);
CREATE TABLE target (
	name TEXT NOT NULL, 
	identity TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO target ("name", "identity") VALUES ('prod', 'modelarts https://modelarts.example.org project p workspace 0');
INSERT INTO target ("name", "identity") VALUES ('dev', 'embedded');
