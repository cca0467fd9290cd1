import { watchmanSuite } from './suite.ts';

watchmanSuite('busybox');
