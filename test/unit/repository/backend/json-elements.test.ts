import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayElements } from '../../../../shared/repository/backend/json-elements.ts';

const bad = (): Error => new Error('no array');

describe('the elements of a JSON array', () => {
  it('are those of JSON.parse', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(0, 2), (values, indent) => {
        expect([...arrayElements(JSON.stringify(values, undefined, indent), bad)]).toEqual(
          JSON.parse(JSON.stringify(values)),
        );
      }),
    );
  });

  it('are given as far as the text goes, and then it is an error', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { minLength: 1 }), fc.nat(), (values, cut) => {
        const text = JSON.stringify(values);
        expect(() => [...arrayElements(text.slice(0, cut % text.length), bad)]).toThrow('no array');
      }),
    );
  });
});
