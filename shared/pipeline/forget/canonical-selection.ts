/** One form for each selection, so that the id of a plan does not depend on how the selection was written. */
import type { ForgetSelection } from '../../domain/forget-plan.ts';

/** For the id only: the order of what is a set does not count, and chosen points are in the plan by their whole ids. */
export function canonicalSelection(selection: ForgetSelection): object {
  switch (selection.by) {
    case 'points':
      return { by: selection.by };
    case 'sources':
      return selection;
    case 'rules': {
      const { sources, hostnames, tags, paths } = selection.filter;
      return {
        ...selection,
        groupBy: selection.groupBy.toSorted(),
        filter: {
          sources: sources.toSorted(),
          hostnames: hostnames.toSorted(),
          tags: tags.map((list) => list.toSorted().join('\0')).toSorted(),
          paths: paths.toSorted(),
        },
      };
    }
  }
}
