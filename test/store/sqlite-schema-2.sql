CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE origins (id INTEGER PRIMARY KEY, app TEXT NOT NULL, instance TEXT NOT NULL, host TEXT NOT NULL,
  dir TEXT NOT NULL, file TEXT NOT NULL, generation TEXT NOT NULL, encoding TEXT NOT NULL);
CREATE INDEX originsByGeneration ON origins(generation);
CREATE TABLE covered (generation TEXT NOT NULL, start NOT NULL, stop NOT NULL, PRIMARY KEY (generation, start)) WITHOUT ROWID;
CREATE TABLE zones (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, minTime NOT NULL, maxTime NOT NULL, zone BLOB NOT NULL);
CREATE TABLE chunks (first INTEGER PRIMARY KEY, meta BLOB NOT NULL, text BLOB NOT NULL);
CREATE TABLE grams (first INTEGER PRIMARY KEY, bits BLOB NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(message, content='', columnsize=0, tokenize='unicode61 remove_diacritics 0');
