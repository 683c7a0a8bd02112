// Of both sides.
export const show = (text) => `<p>${text.trim()}</p>`;
