import { watchmanSuite } from './suite.ts';

watchmanSuite('dash');
