BEGIN TRANSACTION;
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, run TEXT NOT NULL,
  key TEXT NOT NULL, version TEXT NOT NULL, bytes INTEGER NOT NULL, hash BLOB NOT NULL
) STRICT;
INSERT INTO "audit" VALUES(1,1795921509507,'ada@lab','run.start','20261129T030509Z-c779','ocean.qc:file:///srv/lab/sea/raw','',0,X'2F0B200F579D533BC8FF77E5AE2D117A75B6C1567A4D8EBE70459FD0D10EC329');
INSERT INTO "audit" VALUES(2,1795921509522,'ada@lab','read','20261129T030509Z-c779','a/one.csv','"1600af-661618f997a9f-2ad"',685,X'6426B5DCFD493BBE28F9F0308015F4BBBEA3D4EED361998A6B1243A8997F998C');
INSERT INTO "audit" VALUES(3,1795921509522,'ada@lab','read','20261129T030509Z-c779','b/one.csv','"1600b4-661618f997c32-2ad"',685,X'FAB254A1736E02EE3DAE69ECE9BC35749FF93CFC712993345B85C34C66A6E042');
INSERT INTO "audit" VALUES(4,1795921509522,'ada@lab','read','20261129T030509Z-c779','bad.csv','"1600b5-661618f997d0f-7"',7,X'7634524CD40D09FCC938574DA308AA2AF05EE90FD510983376535A7864A03F74');
INSERT INTO "audit" VALUES(5,1795921509591,'ada@lab','read','20261129T030509Z-c779','a/one.csv','"1600af-661618f997a9f-2ad"',685,X'4862E55CAE20ECF7D74B3D2A4D357D444DFFAB5F90A63AE06C6AAE0497C2ED52');
INSERT INTO "audit" VALUES(6,1795921509591,'ada@lab','read','20261129T030509Z-c779','b/one.csv','"1600b4-661618f997c32-2ad"',685,X'C03CC4E233A4EC5E1844A7667D51C266059E0751C57E1C6777C09508E21D84B4');
INSERT INTO "audit" VALUES(7,1795921509659,'ada@lab','read','20261129T030509Z-c779','a/one.csv','"1600af-661618f997a9f-2ad"',685,X'A83A4B2A6DB9AE4BF9F763022DD87F0427FA5102130B41C38C7A8F3DC2CECDBC');
INSERT INTO "audit" VALUES(8,1795921509659,'ada@lab','read','20261129T030509Z-c779','b/one.csv','"1600b4-661618f997c32-2ad"',685,X'0C8B0650C534BEB88A4FEA92CACEA5E59A0D8AEB29150FBB989C2FC567382991');
INSERT INTO "audit" VALUES(9,1795921509702,'ada@lab','run.end','20261129T030509Z-c779','incomplete','',1370,X'1B4A67C2DD02E1CDC90E28195B4C8CC5CEB0C8D5556CAE72C7D4118FA39C3741');
CREATE TABLE findings (
  job TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL, severity TEXT NOT NULL,
  message TEXT NOT NULL, count INTEGER NOT NULL, run TEXT NOT NULL, PRIMARY KEY (job, key, kind, place)
) STRICT, WITHOUT ROWID;
INSERT INTO "findings" VALUES('ocean.qc:file:///srv/lab/sea/raw','a/one.csv','graded-suspect','','info','Tests call levels of it suspect.',1,'20261129T030509Z-c779');
INSERT INTO "findings" VALUES('ocean.qc:file:///srv/lab/sea/raw','b/one.csv','graded-suspect','','info','Tests call levels of it suspect.',1,'20261129T030509Z-c779');
INSERT INTO "findings" VALUES('ocean.qc:file:///srv/lab/sea/raw','bad.csv','not-a-profile','','error','bad.csv: The file is no Moana CSV and no netCDF of profiles. If it is a table of another kind, give a column map: --columns FILE.toml',1,'20261129T030509Z-c779');
CREATE TABLE items (
  job TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL, size INTEGER NOT NULL, state TEXT NOT NULL,
  run TEXT NOT NULL, output TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', PRIMARY KEY (job, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "items" VALUES('ocean.qc:file:///srv/lab/sea/raw','a/one.csv','"1600af-661618f997a9f-2ad"',685,'done','20261129T030509Z-c779','2024/01/one_qc.nc','');
INSERT INTO "items" VALUES('ocean.qc:file:///srv/lab/sea/raw','b/one.csv','"1600b4-661618f997c32-2ad"',685,'done','20261129T030509Z-c779','2024/01/one-9af7a039_qc.nc','');
INSERT INTO "items" VALUES('ocean.qc:file:///srv/lab/sea/raw','bad.csv','"1600b5-661618f997d0f-7"',7,'quarantined','20261129T030509Z-c779','','not-a-profile');
CREATE TABLE outputs (
  job TEXT NOT NULL, path TEXT NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  rows INTEGER, digest TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (job, path)
) STRICT, WITHOUT ROWID;
INSERT INTO "outputs" VALUES('ocean.qc:file:///srv/lab/sea/raw','2024/01/one-9af7a039_qc.nc',X'CE68D7CED2D9266DAFE5DBDB4D4E5EC139AD87C64E71B56F84D51A1F6E22EC85',13312,1795921509609259571,NULL,'93528542c73fc9f03c7f6a81eff12629dbec7bd4252c9d6c389f5aaf4d509ae8','20261129T030509Z-c779');
INSERT INTO "outputs" VALUES('ocean.qc:file:///srv/lab/sea/raw','2024/01/one-9af7a039_qc.nc.json',X'AB3CE64E82763B89127FACCC9C10EB2538DA0EAF3815A0BDAFDEAA674148A025',956,1795921509621259571,NULL,'93528542c73fc9f03c7f6a81eff12629dbec7bd4252c9d6c389f5aaf4d509ae8','20261129T030509Z-c779');
INSERT INTO "outputs" VALUES('ocean.qc:file:///srv/lab/sea/raw','2024/01/one_qc.nc',X'D648B61463C1A63CE5ABE1E8275AD26E6A7364B0810F891D781F07567FFE6EA1',13312,1795921509609259571,NULL,'93528542c73fc9f03c7f6a81eff12629dbec7bd4252c9d6c389f5aaf4d509ae8','20261129T030509Z-c779');
INSERT INTO "outputs" VALUES('ocean.qc:file:///srv/lab/sea/raw','2024/01/one_qc.nc.json',X'95B7B22D0798ECACD9B5668FAEBCF81E2CB1F2B7FEA02E8D97AE8FB46B53B4ED',947,1795921509609259571,NULL,'93528542c73fc9f03c7f6a81eff12629dbec7bd4252c9d6c389f5aaf4d509ae8','20261129T030509Z-c779');
INSERT INTO "outputs" VALUES('ocean.qc:file:///srv/lab/sea/raw','parquet/year=2024/month=01/profiles.parquet',X'C32B344D651FBD6B89E8D94680DC2C57F63FBC6DAB33C0E2FD98922EAC659B11',6193,1795921509673259573,NULL,'d2de1aae8488fcf3958d92125f729e92b3eb042554fb050caa491d3bba4796b2','20261129T030509Z-c779');
INSERT INTO "outputs" VALUES('ocean.qc:file:///srv/lab/sea/raw','status.csv',X'C391D2494462FF87B2FF0419C1FFD0F14674DD5CD1B53544CE4C183D585656CA',429,1795921509693259573,NULL,'c1a283dba5ef74505ec4e0ffd53c314d4791d8157fe8b9ed187c1ce693ce6f4a','20261129T030509Z-c779');
CREATE TABLE runs (
  id TEXT PRIMARY KEY, job TEXT NOT NULL, params TEXT NOT NULL, who TEXT NOT NULL, tool TEXT NOT NULL,
  state TEXT NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER,
  planned INTEGER, done INTEGER, skipped INTEGER, quarantined INTEGER, failed INTEGER,
  planned_bytes INTEGER, done_bytes INTEGER, skipped_bytes INTEGER, quarantined_bytes INTEGER, failed_bytes INTEGER,
  audit_seq INTEGER, audit_hash BLOB
) STRICT;
INSERT INTO "runs" VALUES('20261129T030509Z-c779','ocean.qc:file:///srv/lab/sea/raw','{"dest": "file:///srv/lab/sea/qc", "dest_profile": "default", "job": "ocean.qc", "keys": null, "profile": "default", "settings": {"attributes": "", "columns": "", "folder": "/srv/lab/sea", "form": "both", "metadata": "", "per": "profile", "plots": false, "style": "plain", "suite": "\nname = \"little\"\ntitle = \"A single test\"\nscale = \"qartod\"\n[[test]]\ntest = \"qartod.gross_range\"\non = \"TEMP\"\nsensor_span = [-5.0, 45.0]\noperator_span = [-2.5, 16.0]\n"}, "since_ms": null, "store": "file:///srv/lab/sea/raw"}','ada@lab','','incomplete',1795921509507,1795921509702,3,2,0,1,0,1377,1370,0,7,0,9,X'1B4A67C2DD02E1CDC90E28195B4C8CC5CEB0C8D5556CAE72C7D4118FA39C3741');
CREATE INDEX items_by_output ON items (output);
CREATE INDEX items_unsettled ON items (job, run) WHERE state IN ('quarantined', 'failed');
CREATE INDEX findings_by_run ON findings (run);
COMMIT;
PRAGMA user_version=1;
