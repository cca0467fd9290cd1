/** What this version can dump: a program is added by one line, which a wish of its own asks for. */
import type { DumpWish } from '../domain/dump.ts';
import { command } from './command.ts';
import type { Dumper } from './dump.ts';
import { postgresql } from './postgresql.ts';
import { redis } from './redis.ts';
import { sql } from './sql.ts';
import { sqlite } from './sqlite.ts';

const DUMPERS: Readonly<Record<DumpWish['of'], Dumper<DumpWish>>> = {
  mariadb: sql,
  mysql: sql,
  postgresql,
  redis,
  sqlite,
  command,
};

export const dumperOf = ({ of }: DumpWish): Dumper<DumpWish> => DUMPERS[of];
