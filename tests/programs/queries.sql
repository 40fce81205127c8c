-- SPDX-License-Identifier: GPL-2.0-only
-- sqlite3 :memory: <queries.sql: filling, indexing, joining, sorting, aggregating, text functions.
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price REAL, kind INTEGER);
CREATE TABLE sale(item INTEGER, amount INTEGER, day TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
	INSERT INTO item SELECT i, 'item' || hex(i * 7919 % 4093), i % 97 * 1.25, i % 13 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
	INSERT INTO sale SELECT i * 31 % 3000 + 1, i % 9, date('2026-01-01', (i % 365) || ' days') FROM n;
CREATE INDEX sale_item ON sale(item, day);
SELECT kind, count(*), sum(price * amount), group_concat(DISTINCT substr(name, 1, 5))
	FROM item JOIN sale ON sale.item = item.id WHERE name LIKE '%A%' GROUP BY kind ORDER BY 3 DESC;
SELECT substr(day, 1, 7) AS month, avg(amount), max(upper(name)) FROM sale JOIN item ON item.id = sale.item GROUP BY month;
SELECT count(*) FROM (SELECT name, price, rank() OVER (PARTITION BY kind ORDER BY price, name) FROM item);
SELECT count(*) FROM item a JOIN item b ON a.name < b.name AND a.kind = b.kind WHERE a.id % 5 = 0;
