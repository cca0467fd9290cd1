/**
 * A program that uses a database of SQLite, in a process of its own: `node sqlite-writer.ts ROLE FILE SETTINGS JOURNAL NUMBER`.
 *
 * `move`: moves money between accounts of its own, numbers what it does, and keeps a journal. Where the second file is there,
 * the numbers are written there, in the same transaction. `build`: large transactions, more than its cache holds, every other
 * one taken back. `read`: looks at the sum, and keeps a reading transaction open for seconds.
 */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { uptime } from './journal.ts';

export const ACCOUNTS = 3000;
export const BUILT = 2000;

/** Makes the database; what each of its users sets is set by each of them. */
export const schemaOf = (second: boolean): string =>
  `CREATE TABLE accounts (id INTEGER PRIMARY KEY, money INTEGER, pad TEXT);
WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ${ACCOUNTS}) INSERT INTO accounts SELECT id, 1000, hex(randomblob(200)) FROM n;
CREATE TABLE ${second ? 'second.' : ''}moves (writer INTEGER, number INTEGER, PRIMARY KEY (writer, number));
CREATE TABLE changes (id INTEGER PRIMARY KEY, account INTEGER REFERENCES accounts (id));
CREATE TABLE built (batch INTEGER, id INTEGER, text TEXT, PRIMARY KEY (batch, id)); CREATE INDEX built_text ON built (text);`;

export const secondOf = (file: string): string => `${file}-second`;

function open(file: string, settings: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 60_000 });
  if (existsSync(secondOf(file))) database.exec(`ATTACH '${secondOf(file)}' AS second`);
  database.exec(settings);
  return database;
}

async function move(database: DatabaseSync, journal: string, writer: number): Promise<void> {
  const account = (seed: number): number => (seed % (ACCOUNTS / 3)) * 3 + writer;
  for (let number = 1; !existsSync('/run/over'); number += 1) {
    appendFileSync(journal, `begun ${number} ${uptime()}\n`);
    const [from, to] = [account(number * 389), account(number * 617)];
    database.exec(`BEGIN IMMEDIATE; UPDATE accounts SET money = money - 5 WHERE id = ${from};
UPDATE accounts SET money = money + 5 WHERE id = ${to}; INSERT INTO changes (account) VALUES (${from}), (${to});
INSERT INTO moves VALUES (${writer}, ${number}); COMMIT;`);
    appendFileSync(journal, `done ${number} ${uptime()}\n`);
    await sleep(3);
  }
}

async function build(database: DatabaseSync, journal: string): Promise<void> {
  database.exec('PRAGMA cache_size = 20');
  for (let batch = 1; !existsSync('/run/over'); batch += 1) {
    database.exec(`BEGIN IMMEDIATE; DELETE FROM built WHERE batch < ${batch - 2};
WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ${BUILT}) INSERT INTO built SELECT ${batch}, id, hex(randomblob(100)) FROM n;`);
    await sleep(100);
    database.exec(batch % 3 === 0 ? 'ROLLBACK' : 'COMMIT');
    writeFileSync(journal, `${batch}\n`);
    await sleep(150);
  }
}

async function read(database: DatabaseSync, seconds: number): Promise<void> {
  const sum = database.prepare('SELECT sum(money) AS sum FROM accounts');
  while (!existsSync('/run/over')) {
    database.exec('BEGIN');
    if (sum.get()?.['sum'] !== ACCOUNTS * 1000) throw new Error('a reader sees half a move');
    await sleep(seconds * 1000);
    database.exec('COMMIT');
    await sleep(20);
  }
}

const [, program = '', role, file = '', settings = '', journal = '', number = '0'] = argv;
if (program.endsWith('sqlite-writer.ts')) {
  const database = open(file, settings);
  if (role === 'move') await move(database, journal, Number(number));
  else if (role === 'build') await build(database, journal);
  else await read(database, Number(number));
}
