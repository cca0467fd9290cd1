import { z } from 'zod';
import { hostName } from '../../shared/domain/names.ts';
import { FINDING_SEVERITIES } from '../../shared/domain/readiness.ts';
import { requireAllowed } from '../allowed-host.ts';
import { READ_REMOTE } from '../annotations.ts';
import { defineTool } from '../define-tool.ts';
import { hostInput } from '../inputs.ts';
import { readinessOf, readinessShape } from '../shapes/readiness.ts';

export const adviseHost = defineTool({
  name: 'advise_host',
  title: 'Advise',
  description:
    'Logs in to a host and says what in a backup would be dangerous, left out or inconsistent, where databases lie, and which source fits. Changes nothing; lines are for a person to run.',
  annotations: READ_REMOTE,
  input: z.strictObject({ host: hostInput }),
  output: readinessShape,
  personWords: (args) => ['advise', args.host],
  async run(args, { stillpoint, signal }) {
    const host = hostName(args.host);
    await requireAllowed(stillpoint, host, signal);
    const readiness = await stillpoint.adviseHost(host, signal);
    const counts = FINDING_SEVERITIES.map(
      (severity) => `${severity} ${readiness.findings.filter((finding) => finding.severity === severity).length}`,
    );
    return {
      summary: `Findings: ${counts.join(', ')}. Proposed sources: ${readiness.proposedSources.length}.`,
      nextStep:
        readiness.proposedSources.length === 0
          ? 'Show the findings to a person: nothing on the host can be backed up yet.'
          : `Show the findings to a person, with their lines. A person writes a proposed source into the configuration with "stillpoint setup ${host}".`,
      structured: readinessOf(readiness),
    };
  },
});
