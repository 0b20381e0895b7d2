/** What `hostile.mjs` offers; plain JavaScript, so that Node alone can run it. */
export function hostileMessages(): string[];
export function hostileTexts(most: number): string[];
