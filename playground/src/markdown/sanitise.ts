import createDOMPurify, { type Config } from 'dompurify'

/** Links that are safe to follow, and images that load nothing from another host. All other URLs in an answer stay text. */
export const isLiveLink = (url: string): boolean => /^(https?:|mailto:)/i.test(url)
export const isSafeImage = (url: string): boolean => /^data:image\/(png|jpeg|gif|webp|avif);/i.test(url)

const blocks = 'p br hr h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code div table thead tbody tr th td'
const inline = 'strong em s a img span mark'

const math =
  'math semantics annotation mrow mi mn mo ms mtext mspace mpadded mphantom mstyle menclose mfrac msqrt mroot msub msup msubsup munder mover munderover mmultiscripts mprescripts mtable mtr mtd'
const mathAttributes =
  'display encoding mathvariant stretchy fence separator accent accentunder movablelimits largeop lspace rspace minsize maxsize width height depth voffset linethickness displaystyle scriptlevel columnalign columnspacing rowspacing columnlines rowlines notation'

const config: Config = {
  ALLOWED_TAGS: `${blocks} ${inline} ${math}`.split(' '),
  ALLOWED_ATTR: `href src alt title start class tabindex role aria-label ${mathAttributes}`.split(' '),
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
}

const purifier = createDOMPurify(window)

purifier.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName === 'A') sealLink(node)
  if (node.tagName === 'IMG') sealImage(node)
})

/** Makes the HTML of an answer safe to insert. */
export const sanitise = (html: string): string => purifier.sanitize(html, config)

function sealLink(node: Element): void {
  if (!isLiveLink(node.getAttribute('href') ?? '')) return node.removeAttribute('href')
  node.setAttribute('target', '_blank')
  node.setAttribute('rel', 'noopener noreferrer nofollow')
}

function sealImage(node: Element): void {
  if (!isSafeImage(node.getAttribute('src') ?? '')) node.removeAttribute('src')
}
