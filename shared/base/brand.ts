/** A string or number that has passed its smart constructor. The brand exists for the compiler only. */
declare const brand: unique symbol;
export type Branded<T, Name extends string> = T & { readonly [brand]: Name };
