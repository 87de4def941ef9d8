import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { here } from '../../scripts/entries'

const folder = here('playground/src/components')
const componentsIn = (path: string): string[] =>
  [...readFileSync(path, 'utf8').matchAll(/from '(\..*?\.vue)'/g)].map(([, file]) => join(dirname(path), file!))

/** A file and the components that it shows, directly or in other components. */
function shownBy(path: string, shown = new Set<string>()): Set<string> {
  for (const component of componentsIn(path)) {
    if (shown.has(component)) continue
    shown.add(component)
    shownBy(component, shown)
  }
  return shown
}

test('every component of the playground is in a story', () => {
  const files = globSync(`${folder}/*.vue`)
  const stories = files.filter((file) => file.endsWith('.story.vue'))
  const shown = new Set(stories.flatMap((story) => [...shownBy(story)]))
  const missing = files.filter((file) => !file.endsWith('.story.vue') && !shown.has(file)).map((file) => basename(file))
  expect(missing, 'add a story beside each of these components').toEqual([])
})
