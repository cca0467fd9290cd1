import { watchmanSuite } from './suite.ts';

watchmanSuite('bash');
