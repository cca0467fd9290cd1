/** Where a database of SQLite is, for its own program: only an address says that nothing is to be made where there is none. */
export const addressOf = (file: string): string => `file:${file.split('/').map(encodeURIComponent).join('/')}?mode=rw`;
