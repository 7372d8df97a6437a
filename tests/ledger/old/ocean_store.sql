BEGIN TRANSACTION;
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, run TEXT NOT NULL,
  key TEXT NOT NULL, version TEXT NOT NULL, bytes INTEGER NOT NULL, hash BLOB NOT NULL
) STRICT;
INSERT INTO "audit" VALUES(1,1795921509778,'ada@lab','run.start','20261129T030509Z-2cc8','ocean.qc:file:///srv/lab/sea/raw','',0,X'F295C338C85B5042D232F549FFC840A89E2338E9C5A8933629DA58142B762158');
INSERT INTO "audit" VALUES(2,1795921509813,'ada@lab','read','20261129T030509Z-2cc8','a/one.csv','"1600af-661618f997a9f-2ad"',685,X'0B045DEBFC448D5784586F8472D1F8B1E7339235406E6F3CA4D2A2DF38B81C28');
INSERT INTO "audit" VALUES(3,1795921509813,'ada@lab','read','20261129T030509Z-2cc8','b/one.csv','"1600b4-661618f997c32-2ad"',685,X'16AA41EB8EAE0D520829844AC62CCD6737A13D6D2420F8F5409D89DA3EE194F6');
INSERT INTO "audit" VALUES(4,1795921509813,'ada@lab','read','20261129T030509Z-2cc8','bad.csv','"1600b5-661618f997d0f-7"',7,X'34664BCCB78862E15DCBAB53B17F077C2EEAE03A8993215626E8668A522C69B3');
INSERT INTO "audit" VALUES(5,1795921509844,'ada@lab','read','20261129T030509Z-2cc8','a/one.csv','"1600af-661618f997a9f-2ad"',685,X'B13B6D7EDABE905DE2A1E735BBF42DE324382FE5473BAE23BBE4357EA8889145');
INSERT INTO "audit" VALUES(6,1795921510105,'ada@lab','read','20261129T030509Z-2cc8','b/one.csv','"1600b4-661618f997c32-2ad"',685,X'8B72138D512A4ECB413E9B93A086179F9F92CB8C20E841C8981DF657ED9C8A5F');
INSERT INTO "audit" VALUES(7,1795921510362,'ada@lab','run.end','20261129T030509Z-2cc8','incomplete','',1370,X'37290B82C27D13191C2B39433938C886689D78823AF36CF9C90B285BA0E86EB6');
CREATE TABLE findings (
  job TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL, severity TEXT NOT NULL,
  message TEXT NOT NULL, count INTEGER NOT NULL, run TEXT NOT NULL, PRIMARY KEY (job, key, kind, place)
) STRICT, WITHOUT ROWID;
INSERT INTO "findings" VALUES('ocean.qc:file:///srv/lab/sea/raw','a/one.csv','graded-suspect','','info','Tests call levels of it suspect.',1,'20261129T030509Z-2cc8');
INSERT INTO "findings" VALUES('ocean.qc:file:///srv/lab/sea/raw','b/one.csv','graded-suspect','','info','Tests call levels of it suspect.',1,'20261129T030509Z-2cc8');
INSERT INTO "findings" VALUES('ocean.qc:file:///srv/lab/sea/raw','bad.csv','not-a-profile','','error','bad.csv: The file is no Moana CSV and no netCDF of profiles. If it is a table of another kind, give a column map: --columns FILE.toml',1,'20261129T030509Z-2cc8');
CREATE TABLE items (
  job TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL, size INTEGER NOT NULL, state TEXT NOT NULL,
  run TEXT NOT NULL, output TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', PRIMARY KEY (job, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "items" VALUES('ocean.qc:file:///srv/lab/sea/raw','a/one.csv','"1600af-661618f997a9f-2ad"',685,'done','20261129T030509Z-2cc8','deployments/12/2024/01/one_qc.nc','');
INSERT INTO "items" VALUES('ocean.qc:file:///srv/lab/sea/raw','b/one.csv','"1600b4-661618f997c32-2ad"',685,'done','20261129T030509Z-2cc8','deployments/13/2024/01/one_qc.nc','');
INSERT INTO "items" VALUES('ocean.qc:file:///srv/lab/sea/raw','bad.csv','"1600b5-661618f997d0f-7"',7,'quarantined','20261129T030509Z-2cc8','','not-a-profile');
CREATE TABLE outputs (
  job TEXT NOT NULL, path TEXT NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  rows INTEGER, digest TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (job, path)
) STRICT, WITHOUT ROWID;
INSERT INTO "outputs" VALUES('ocean.qc:file:///srv/lab/sea/raw','deployments/12/2024/01/one_qc.nc',X'',0,0,NULL,'630c292e3df925c7cfadf633ca750252211f88cb85c880ae613e7c0ae9bb2f6f','20261129T030509Z-2cc8');
INSERT INTO "outputs" VALUES('ocean.qc:file:///srv/lab/sea/raw','deployments/12_qc.nc',X'D69E441556437CB977FF1996EB829A725C47D793FF09228C3405F87F68E04DDD',13376,0,NULL,'602c587ef574ef59ad9b4f0773b3b20ed991e5b0b43603535a0714cef2311ac7|"39b5d21f405b95f2c11153605deeadb1"','20261129T030509Z-2cc8');
INSERT INTO "outputs" VALUES('ocean.qc:file:///srv/lab/sea/raw','deployments/12_qc.nc.json',X'1D0E6CF083C4B6CD996D093C81A5E97DBFFA7263E143267A8465706D238E4017',950,0,NULL,'602c587ef574ef59ad9b4f0773b3b20ed991e5b0b43603535a0714cef2311ac7|"6f6f38aae0fc8529602c95b4ec3d15f6"','20261129T030509Z-2cc8');
INSERT INTO "outputs" VALUES('ocean.qc:file:///srv/lab/sea/raw','deployments/13/2024/01/one_qc.nc',X'',0,0,NULL,'630c292e3df925c7cfadf633ca750252211f88cb85c880ae613e7c0ae9bb2f6f','20261129T030509Z-2cc8');
INSERT INTO "outputs" VALUES('ocean.qc:file:///srv/lab/sea/raw','deployments/13_qc.nc',X'443B2D506DE451ECE41903FA9BAB7E654B9BB2AB1B36310958A607CEECEB10C1',13376,0,NULL,'038846a05cdb2b384735bbc80888d63a84c3c61eb053c1cc4abf608b470f371c|"40e350a0f6037706a50e4462351fa89f"','20261129T030509Z-2cc8');
INSERT INTO "outputs" VALUES('ocean.qc:file:///srv/lab/sea/raw','deployments/13_qc.nc.json',X'FC1993F630BD434CF1EC6BDF1A10251FF752B9EBA1507D618052EFC51F8548FE',950,0,NULL,'038846a05cdb2b384735bbc80888d63a84c3c61eb053c1cc4abf608b470f371c|"91751f434b43373006155a79f092e84f"','20261129T030509Z-2cc8');
INSERT INTO "outputs" VALUES('ocean.qc:file:///srv/lab/sea/raw','status.csv',X'8984E4F76325592A2976B5E0A5A2C7631D4AFD4CD0BAE8D8A9B77E806F034892',426,0,NULL,'28cc1309b60d44d17908ee348533c02b09b524b2a4b958f59fccf9bd73b819ec|"eae29eb430e2f4a17daac2e2f58e5767"','20261129T030509Z-2cc8');
CREATE TABLE runs (
  id TEXT PRIMARY KEY, job TEXT NOT NULL, params TEXT NOT NULL, who TEXT NOT NULL, tool TEXT NOT NULL,
  state TEXT NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER,
  planned INTEGER, done INTEGER, skipped INTEGER, quarantined INTEGER, failed INTEGER,
  planned_bytes INTEGER, done_bytes INTEGER, skipped_bytes INTEGER, quarantined_bytes INTEGER, failed_bytes INTEGER,
  audit_seq INTEGER, audit_hash BLOB
) STRICT;
INSERT INTO "runs" VALUES('20261129T030509Z-2cc8','ocean.qc:file:///srv/lab/sea/raw','{"dest": "s3://qc-old/qc", "dest_profile": "default", "job": "ocean.qc", "keys": null, "profile": "default", "settings": {"attributes": "", "columns": "", "folder": "/srv/lab/sea", "form": "netcdf", "metadata": "", "per": "deployment", "plots": false, "style": "plain", "suite": "\nname = \"little\"\ntitle = \"A single test\"\nscale = \"qartod\"\n[[test]]\ntest = \"qartod.gross_range\"\non = \"TEMP\"\nsensor_span = [-5.0, 45.0]\noperator_span = [-2.5, 16.0]\n"}, "since_ms": null, "store": "file:///srv/lab/sea/raw"}','ada@lab','','incomplete',1795921509778,1795921510362,3,2,0,1,0,1377,1370,0,7,0,7,X'37290B82C27D13191C2B39433938C886689D78823AF36CF9C90B285BA0E86EB6');
CREATE INDEX items_by_output ON items (output);
CREATE INDEX items_unsettled ON items (job, run) WHERE state IN ('quarantined', 'failed');
CREATE INDEX findings_by_run ON findings (run);
COMMIT;
PRAGMA user_version=1;
