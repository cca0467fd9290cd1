/** Programs on a host, separated by blanks, by the Debian package in which they come. */
export type Programs = Readonly<Record<string, string>>;
