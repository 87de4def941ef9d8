/** Replaces an image that cannot be shown by its description. */
export function replaceBroken({ target }: Event): void {
  if (!(target instanceof HTMLImageElement)) return
  const text = document.createElement('span')
  text.className = 'broken'
  text.textContent = target.alt || 'Image that cannot be shown'
  target.replaceWith(text)
}
