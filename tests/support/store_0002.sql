BEGIN TRANSACTION;
CREATE TABLE documents (
	id INTEGER NOT NULL, 
	uri TEXT NOT NULL, 
	sha256 VARCHAR, 
	bytes BIGINT NOT NULL, 
	media_type VARCHAR, 
	page_count INTEGER, 
	etag TEXT NOT NULL, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_documents PRIMARY KEY (id), 
	CONSTRAINT uq_documents_uri UNIQUE (uri)
);
INSERT INTO "documents" VALUES(1,'file://@FOLDER@/d/broken.pdf','cafcfe64bdc138d48572826a441e436f1f382d0a478636667a7ece5e7aff868f',15,NULL,NULL,'15-1795849149676714830','2026-11-28 06:59:10.601311');
INSERT INTO "documents" VALUES(2,'file://@FOLDER@/d/first.pdf','7065eba2fa1055435c471f35af0e9762867fe4c21274e48480dc781fafb64166',603,'application/pdf',1,'603-1795849149676503965','2026-11-28 06:59:10.604623');
INSERT INTO "documents" VALUES(3,'file://@FOLDER@/d/second.pdf','5061c4a16ffc0a33f051e462b8807e8cffccb1d131a2602c2e4b6becd2e3401e',602,'application/pdf',1,'602-1795849149676604874','2026-11-28 06:59:10.605269');
CREATE TABLE export_targets (
	id INTEGER NOT NULL, 
	destination TEXT NOT NULL, 
	schema_name VARCHAR NOT NULL, 
	format VARCHAR NOT NULL, 
	held_by VARCHAR, 
	CONSTRAINT pk_export_targets PRIMARY KEY (id), 
	CONSTRAINT uq_export_targets_destination_schema_name UNIQUE (destination, schema_name)
);
INSERT INTO "export_targets" VALUES(1,'@FOLDER@/out','ticket','csv',NULL);
CREATE TABLE exported_records (
	target_id INTEGER NOT NULL, 
	record_id BIGINT NOT NULL, 
	added_in INTEGER NOT NULL, 
	removed_in INTEGER, 
	CONSTRAINT pk_exported_records PRIMARY KEY (target_id, record_id), 
	CONSTRAINT fk_exported_records_target_id FOREIGN KEY(target_id) REFERENCES export_targets (id)
);
INSERT INTO "exported_records" VALUES(1,3,1,NULL);
INSERT INTO "exported_records" VALUES(1,4,1,NULL);
CREATE TABLE exports (
	target_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	exported_at DATETIME NOT NULL, 
	added INTEGER NOT NULL, 
	removed INTEGER NOT NULL, 
	CONSTRAINT pk_exports PRIMARY KEY (target_id, number), 
	CONSTRAINT fk_exports_target_id FOREIGN KEY(target_id) REFERENCES export_targets (id)
);
INSERT INTO "exports" VALUES(1,1,'2026-11-28 06:59:16.399379',2,0);
CREATE TABLE extraction_replies (
	extraction_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	CONSTRAINT pk_extraction_replies PRIMARY KEY (extraction_id, position), 
	CONSTRAINT fk_extraction_replies_extraction_id FOREIGN KEY(extraction_id) REFERENCES extractions (id)
);
INSERT INTO "extraction_replies" VALUES(3,0,'4925b79743eac813c7b41cce8d36b253b545efc2fed6b9e7feff3cbcc66d9969');
INSERT INTO "extraction_replies" VALUES(2,0,'7787545c72893adb8503b574ad4f633ecc49c5a55260b1ba07189498abdf635c');
INSERT INTO "extraction_replies" VALUES(6,0,'4925b79743eac813c7b41cce8d36b253b545efc2fed6b9e7feff3cbcc66d9969');
INSERT INTO "extraction_replies" VALUES(5,0,'7787545c72893adb8503b574ad4f633ecc49c5a55260b1ba07189498abdf635c');
CREATE TABLE extractions (
	id INTEGER NOT NULL, 
	sha256 VARCHAR NOT NULL, 
	schema_name VARCHAR NOT NULL, 
	recipe VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	kind VARCHAR, 
	cause TEXT, 
	endpoint VARCHAR, 
	model TEXT, 
	input_tokens BIGINT NOT NULL, 
	output_tokens BIGINT NOT NULL, 
	cost_usd FLOAT NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	superseded_by INTEGER, 
	run_id VARCHAR, 
	held_by VARCHAR, 
	CONSTRAINT pk_extractions PRIMARY KEY (id), 
	CONSTRAINT uq_extractions_sha256_schema_name_recipe UNIQUE (sha256, schema_name, recipe), 
	CONSTRAINT fk_extractions_superseded_by FOREIGN KEY(superseded_by) REFERENCES extractions (id)
);
INSERT INTO "extractions" VALUES(1,'cafcfe64bdc138d48572826a441e436f1f382d0a478636667a7ece5e7aff868f','ticket','195ba61b2f2dea6b','quarantined','damaged','the PDF cannot be opened: Failed to open file it as type pdf.',NULL,NULL,0,0,0.0,'2026-11-28 06:59:10.604133','2026-11-28 06:59:10.936894',4,'49cb1169b91a4151bcce769d79023c1b',NULL);
INSERT INTO "extractions" VALUES(2,'7065eba2fa1055435c471f35af0e9762867fe4c21274e48480dc781fafb64166','ticket','195ba61b2f2dea6b','complete',NULL,NULL,'local','octavo-ocr',2449,11,0.0,'2026-11-28 06:59:10.606610','2026-11-28 06:59:14.234702',5,'49cb1169b91a4151bcce769d79023c1b',NULL);
INSERT INTO "extractions" VALUES(3,'5061c4a16ffc0a33f051e462b8807e8cffccb1d131a2602c2e4b6becd2e3401e','ticket','195ba61b2f2dea6b','complete',NULL,NULL,'local','octavo-ocr',2449,11,0.0,'2026-11-28 06:59:10.606679','2026-11-28 06:59:14.233465',6,'49cb1169b91a4151bcce769d79023c1b',NULL);
INSERT INTO "extractions" VALUES(4,'cafcfe64bdc138d48572826a441e436f1f382d0a478636667a7ece5e7aff868f','ticket','1d0421e41849ef2d','quarantined','damaged','the PDF cannot be opened: Failed to open file it as type pdf.',NULL,NULL,0,0,0.0,'2026-11-28 06:59:15.339285','2026-11-28 06:59:15.619586',NULL,'adfae8a3904d4099a1cda54a8ffb7730',NULL);
INSERT INTO "extractions" VALUES(5,'7065eba2fa1055435c471f35af0e9762867fe4c21274e48480dc781fafb64166','ticket','1d0421e41849ef2d','complete',NULL,NULL,'local','octavo-ocr',0,0,0.0,'2026-11-28 06:59:15.342591','2026-11-28 06:59:15.672235',NULL,'adfae8a3904d4099a1cda54a8ffb7730',NULL);
INSERT INTO "extractions" VALUES(6,'5061c4a16ffc0a33f051e462b8807e8cffccb1d131a2602c2e4b6becd2e3401e','ticket','1d0421e41849ef2d','complete',NULL,NULL,'local','octavo-ocr',0,0,0.0,'2026-11-28 06:59:15.342656','2026-11-28 06:59:15.648284',NULL,'adfae8a3904d4099a1cda54a8ffb7730',NULL);
CREATE TABLE former_contents (
	document_id INTEGER NOT NULL, 
	sha256 VARCHAR NOT NULL, 
	CONSTRAINT pk_former_contents PRIMARY KEY (document_id, sha256), 
	CONSTRAINT fk_former_contents_document_id FOREIGN KEY(document_id) REFERENCES documents (id)
);
CREATE TABLE leases (
	id VARCHAR NOT NULL, 
	run_id VARCHAR, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_leases PRIMARY KEY (id)
);
CREATE TABLE octavo_version (
	version_num VARCHAR(32) NOT NULL, 
	PRIMARY KEY (version_num)
);
INSERT INTO "octavo_version" VALUES('0002');
CREATE TABLE pages (
	extraction_id INTEGER NOT NULL, 
	page INTEGER NOT NULL, 
	status VARCHAR NOT NULL, 
	kind VARCHAR, 
	cause TEXT, 
	CONSTRAINT pk_pages PRIMARY KEY (extraction_id, page), 
	CONSTRAINT fk_pages_extraction_id FOREIGN KEY(extraction_id) REFERENCES extractions (id)
);
INSERT INTO "pages" VALUES(3,1,'read',NULL,NULL);
INSERT INTO "pages" VALUES(2,1,'read',NULL,NULL);
INSERT INTO "pages" VALUES(6,1,'read',NULL,NULL);
INSERT INTO "pages" VALUES(5,1,'read',NULL,NULL);
CREATE TABLE recipes (
	recipe VARCHAR NOT NULL, 
	schema_name VARCHAR NOT NULL, 
	parts JSON NOT NULL, 
	first_used_at DATETIME NOT NULL, 
	CONSTRAINT pk_recipes PRIMARY KEY (recipe)
);
INSERT INTO "recipes" VALUES('195ba61b2f2dea6b','ticket','{"schema":{"description":"A ticket.","properties":{"ticket_number":{"anyOf":[{"type":"string"},{"type":"null"}],"default":null,"title":"Ticket Number"},"total":{"anyOf":[{"description":"amount","format":"decimal","type":"string"},{"type":"null"}],"default":null,"title":"Total"}},"title":"Ticket","type":"object"},"prompt":"1","render":"jpeg90-85-28x55-5","window":["one",8],"model":"octavo-ocr","sampling":"[(''seed'', 7), (''temperature'', 0.15), (''top_p'', 1.0)]"}','2026-11-28 06:59:10.579430');
INSERT INTO "recipes" VALUES('1d0421e41849ef2d','ticket','{"schema":{"description":"A ticket.","properties":{"ticket_number":{"anyOf":[{"type":"string"},{"type":"null"}],"default":null,"title":"Ticket Number"},"total":{"anyOf":[{"description":"amount","format":"decimal","type":"string"},{"type":"null"}],"default":null,"title":"Total"}},"title":"Ticket","type":"object"},"prompt":"1","render":"jpeg90-85-28x55-5","window":["one",4],"model":"octavo-ocr","sampling":"[(''seed'', 7), (''temperature'', 0.15), (''top_p'', 1.0)]"}','2026-11-28 06:59:15.319753');
CREATE TABLE records (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	extraction_id INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	data JSON NOT NULL, 
	issues JSON NOT NULL, 
	evidence JSON NOT NULL, 
	pages JSON NOT NULL, 
	grounded FLOAT, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT uq_records_extraction_id_ordinal UNIQUE (extraction_id, ordinal), 
	CONSTRAINT fk_records_extraction_id FOREIGN KEY(extraction_id) REFERENCES extractions (id)
);
INSERT INTO "records" VALUES(1,3,0,'{"ticket_number":"T-1002","total":"7.00"}','[]','[{"path":"ticket_number","page":1,"box":[0.26298,0.07951,0.33752,0.10236],"text":"T-1002"},{"path":"total","page":1,"box":[0.16623,0.10802,0.21202,0.13086],"text":"7.00"}]','[1]',1.0,'2026-11-28 06:59:14.235198');
INSERT INTO "records" VALUES(2,2,0,'{"ticket_number":"T-1001","total":"12.50"}','[]','[{"path":"ticket_number","page":1,"box":[0.26298,0.07951,0.33752,0.10236],"text":"T-1001"},{"path":"total","page":1,"box":[0.16623,0.10802,0.2251,0.13086],"text":"12.50"}]','[1]',1.0,'2026-11-28 06:59:14.238816');
INSERT INTO "records" VALUES(3,6,0,'{"ticket_number":"T-1002","total":"7.00"}','[]','[{"path":"ticket_number","page":1,"box":[0.26298,0.07951,0.33752,0.10236],"text":"T-1002"},{"path":"total","page":1,"box":[0.16623,0.10802,0.21202,0.13086],"text":"7.00"}]','[1]',1.0,'2026-11-28 06:59:15.648830');
INSERT INTO "records" VALUES(4,5,0,'{"ticket_number":"T-1001","total":"12.50"}','[]','[{"path":"ticket_number","page":1,"box":[0.26298,0.07951,0.33752,0.10236],"text":"T-1001"},{"path":"total","page":1,"box":[0.16623,0.10802,0.2251,0.13086],"text":"12.50"}]','[1]',1.0,'2026-11-28 06:59:15.672665');
CREATE TABLE replies (
	fingerprint VARCHAR NOT NULL, 
	endpoint VARCHAR NOT NULL, 
	model TEXT NOT NULL, 
	status INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	usage JSON NOT NULL, 
	cost_usd FLOAT NOT NULL, 
	seconds FLOAT NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_replies PRIMARY KEY (fingerprint)
);
INSERT INTO "replies" VALUES('4925b79743eac813c7b41cce8d36b253b545efc2fed6b9e7feff3cbcc66d9969','local','octavo-ocr',200,'{"id":"chatcmpl-204b8afc2317475fb75a52832997c3b8","object":"chat.completion","created":1795849154,"model":"octavo-ocr","choices":[{"index":0,"message":{"role":"assistant","content":"{\"ticket_number\":\"T-1002\",\"total\":\"7.00\"}","refusal":null},"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":2449,"completion_tokens":11,"total_tokens":2460}}','{"input":2449,"output":11,"cached":0}',0.0,3.31475829000191879458e+00,'2026-11-28 06:59:14.230958');
INSERT INTO "replies" VALUES('7787545c72893adb8503b574ad4f633ecc49c5a55260b1ba07189498abdf635c','local','octavo-ocr',200,'{"id":"chatcmpl-82c4be238d38405296f913f3dad10a99","object":"chat.completion","created":1795849154,"model":"octavo-ocr","choices":[{"index":0,"message":{"role":"assistant","content":"{\"ticket_number\":\"T-1001\",\"total\":\"12.50\"}","refusal":null},"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":2449,"completion_tokens":11,"total_tokens":2460}}','{"input":2449,"output":11,"cached":0}',0.0,3.33004649800204788334e+00,'2026-11-28 06:59:14.233664');
CREATE TABLE runs (
	id VARCHAR NOT NULL, 
	source TEXT NOT NULL, 
	schema_name VARCHAR NOT NULL, 
	recipe VARCHAR NOT NULL, 
	endpoint VARCHAR, 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	summary JSON, 
	CONSTRAINT pk_runs PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES('49cb1169b91a4151bcce769d79023c1b','d','ticket','195ba61b2f2dea6b','local','2026-11-28 06:59:10.579430','2026-11-28 06:59:14.240652','{"run_id":"49cb1169b91a4151bcce769d79023c1b","documents":{"seen":3,"skipped":0,"complete":2,"partial":0,"quarantined":1,"pending":0},"pages":{"read":2,"blank":0,"failed":0},"records":2,"model_calls":2,"replies_reused":0,"retries":0,"tokens":{"input":4898,"output":22,"cached":0},"cost_usd":0.0,"seconds":3.663}');
INSERT INTO "runs" VALUES('adfae8a3904d4099a1cda54a8ffb7730','d','ticket','1d0421e41849ef2d','local','2026-11-28 06:59:15.319753','2026-11-28 06:59:15.675159','{"run_id":"adfae8a3904d4099a1cda54a8ffb7730","documents":{"seen":3,"skipped":0,"complete":2,"partial":0,"quarantined":1,"pending":0},"pages":{"read":2,"blank":0,"failed":0},"records":2,"model_calls":0,"replies_reused":2,"retries":0,"tokens":{"input":0,"output":0,"cached":0},"cost_usd":0.0,"seconds":0.356}');
CREATE TABLE schema_views (
	name VARCHAR NOT NULL, 
	schema_name VARCHAR NOT NULL, 
	path TEXT NOT NULL, 
	definition TEXT NOT NULL, 
	CONSTRAINT pk_schema_views PRIMARY KEY (name)
);
INSERT INTO "schema_views" VALUES('ticket','ticket','[]','SELECT records.id AS record_id, coalesce((SELECT min(documents.uri) AS min_1 
FROM documents 
WHERE documents.sha256 = extractions.sha256), (SELECT min(documents.uri) AS min_1 
FROM documents JOIN former_contents ON former_contents.document_id = documents.id 
WHERE former_contents.sha256 = extractions.sha256 AND NOT (EXISTS (SELECT * 
FROM extractions AS extractions_1 
WHERE extractions_1.sha256 = documents.sha256 AND extractions_1.sha256 NOT LIKE ''unread:%'' AND extractions_1.schema_name = extractions.schema_name AND extractions_1.superseded_by IS NULL AND extractions_1.status IN (''complete'', ''partial'', ''quarantined''))))) AS document_uri, CAST(json_extract(records.data, ''$."ticket_number"'') AS TEXT) AS "ticket_number", CASE WHEN (json_extract(records.data, ''$."total"'') = CAST(json_extract(records.data, ''$."total"'') AS NUMERIC)) THEN CAST(json_extract(records.data, ''$."total"'') AS NUMERIC) END AS "total", extractions.id AS extraction_id, extractions.status AS status, records.grounded AS grounded, json_array_length(records.issues) AS issue_count 
FROM records JOIN extractions ON extractions.id = records.extraction_id 
WHERE CAST(records.issues AS TEXT) NOT LIKE ''%"invalid_record"%'' AND extractions.schema_name = ''ticket'' AND extractions.superseded_by IS NULL AND extractions.status IN (''complete'', ''partial'')');
INSERT INTO "schema_views" VALUES('ticket_issues','ticket','"issues"','SELECT records.id AS record_id, coalesce((SELECT min(documents.uri) AS min_1 
FROM documents 
WHERE documents.sha256 = extractions.sha256), (SELECT min(documents.uri) AS min_1 
FROM documents JOIN former_contents ON former_contents.document_id = documents.id 
WHERE former_contents.sha256 = extractions.sha256 AND NOT (EXISTS (SELECT * 
FROM extractions AS extractions_1 
WHERE extractions_1.sha256 = documents.sha256 AND extractions_1.sha256 NOT LIKE ''unread:%'' AND extractions_1.schema_name = extractions.schema_name AND extractions_1.superseded_by IS NULL AND extractions_1.status IN (''complete'', ''partial'', ''quarantined''))))) AS document_uri, item."key" AS ordinal, CAST(json_extract(CASE WHEN (item.type = ''object'') THEN item.value END, ''$."kind"'') AS TEXT) AS kind, CAST(json_extract(CASE WHEN (item.type = ''object'') THEN item.value END, ''$."path"'') AS TEXT) AS path, CAST(json_extract(CASE WHEN (item.type = ''object'') THEN item.value END, ''$."message"'') AS TEXT) AS message 
FROM records JOIN extractions ON extractions.id = records.extraction_id JOIN json_each(records.issues) AS item ON 1 = 1 
WHERE extractions.schema_name = ''ticket'' AND extractions.superseded_by IS NULL AND extractions.status IN (''complete'', ''partial'')');
CREATE TABLE schemas (
	name VARCHAR NOT NULL, 
	json_schema JSON NOT NULL, 
	changed_at DATETIME NOT NULL, 
	CONSTRAINT pk_schemas PRIMARY KEY (name)
);
INSERT INTO "schemas" VALUES('ticket','{"description":"A ticket.","properties":{"ticket_number":{"anyOf":[{"type":"string"},{"type":"null"}],"default":null,"title":"Ticket Number"},"total":{"anyOf":[{"description":"amount","format":"decimal","type":"string"},{"type":"null"}],"default":null,"title":"Total"}},"title":"Ticket","type":"object","x-octavo-origin":"@FOLDER@/ticket.py:Ticket"}','2026-11-28 06:59:10.472056');
CREATE INDEX ix_documents_sha256 ON documents (sha256);
CREATE INDEX ix_extractions_status ON extractions (status);
CREATE INDEX ix_extractions_superseded_by ON extractions (superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX ix_extractions_run_id ON extractions (run_id);
CREATE INDEX ix_former_contents_sha256 ON former_contents (sha256);
CREATE VIEW "ticket" AS SELECT records.id AS record_id, coalesce((SELECT min(documents.uri) AS min_1 
FROM documents 
WHERE documents.sha256 = extractions.sha256), (SELECT min(documents.uri) AS min_1 
FROM documents JOIN former_contents ON former_contents.document_id = documents.id 
WHERE former_contents.sha256 = extractions.sha256 AND NOT (EXISTS (SELECT * 
FROM extractions AS extractions_1 
WHERE extractions_1.sha256 = documents.sha256 AND extractions_1.sha256 NOT LIKE 'unread:%' AND extractions_1.schema_name = extractions.schema_name AND extractions_1.superseded_by IS NULL AND extractions_1.status IN ('complete', 'partial', 'quarantined'))))) AS document_uri, CAST(json_extract(records.data, '$."ticket_number"') AS TEXT) AS "ticket_number", CASE WHEN (json_extract(records.data, '$."total"') = CAST(json_extract(records.data, '$."total"') AS NUMERIC)) THEN CAST(json_extract(records.data, '$."total"') AS NUMERIC) END AS "total", extractions.id AS extraction_id, extractions.status AS status, records.grounded AS grounded, json_array_length(records.issues) AS issue_count 
FROM records JOIN extractions ON extractions.id = records.extraction_id 
WHERE CAST(records.issues AS TEXT) NOT LIKE '%"invalid_record"%' AND extractions.schema_name = 'ticket' AND extractions.superseded_by IS NULL AND extractions.status IN ('complete', 'partial');
CREATE VIEW "ticket_issues" AS SELECT records.id AS record_id, coalesce((SELECT min(documents.uri) AS min_1 
FROM documents 
WHERE documents.sha256 = extractions.sha256), (SELECT min(documents.uri) AS min_1 
FROM documents JOIN former_contents ON former_contents.document_id = documents.id 
WHERE former_contents.sha256 = extractions.sha256 AND NOT (EXISTS (SELECT * 
FROM extractions AS extractions_1 
WHERE extractions_1.sha256 = documents.sha256 AND extractions_1.sha256 NOT LIKE 'unread:%' AND extractions_1.schema_name = extractions.schema_name AND extractions_1.superseded_by IS NULL AND extractions_1.status IN ('complete', 'partial', 'quarantined'))))) AS document_uri, item."key" AS ordinal, CAST(json_extract(CASE WHEN (item.type = 'object') THEN item.value END, '$."kind"') AS TEXT) AS kind, CAST(json_extract(CASE WHEN (item.type = 'object') THEN item.value END, '$."path"') AS TEXT) AS path, CAST(json_extract(CASE WHEN (item.type = 'object') THEN item.value END, '$."message"') AS TEXT) AS message 
FROM records JOIN extractions ON extractions.id = records.extraction_id JOIN json_each(records.issues) AS item ON 1 = 1 
WHERE extractions.schema_name = 'ticket' AND extractions.superseded_by IS NULL AND extractions.status IN ('complete', 'partial');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('records',4);
COMMIT;