/**
 * Writes the JSON Schema of the configuration file, which the extension gives to the editor. Run it after changing
 * `shared/config/schema.ts`; a test says when it was forgotten.
 *
 *   node .ci/write-config-schema.ts
 */
import { writeFileSync } from 'node:fs';
import { renderJsonSchema } from '../shared/config/schema.ts';

writeFileSync(new URL('../shared/config/schema.json', import.meta.url), renderJsonSchema());
