/**
 * Writes the JSON Schema of the configuration file, which the extension gives to the editor. Run it after changing
 * `shared/config/schema.ts`; a test says when it was forgotten.
 *
 *   node .ci/write-config-schema.ts && npm run format
 */
import { writeFileSync } from 'node:fs';
import { jsonSchema } from '../shared/config/schema.ts';

const target = new URL('../shared/config/schema.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
