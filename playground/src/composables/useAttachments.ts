import type { FileUIPart } from 'ai'
import { shallowRef, type Ref } from 'vue'
import { readAttachment } from '../conversation/attachments'

/** Adds files to a prompt and removes them. */
export function useAttachments(files: Ref<readonly FileUIPart[]>) {
  const problems = shallowRef<readonly string[]>([])

  async function add(chosen: Iterable<File>): Promise<void> {
    problems.value = []
    for (const file of chosen) {
      try {
        files.value = [...files.value, await readAttachment(file, files.value)]
      } catch (error) {
        problems.value = [...problems.value, error instanceof Error ? error.message : String(error)]
      }
    }
  }

  function remove(file: FileUIPart): void {
    problems.value = []
    files.value = files.value.filter((each) => each !== file)
  }

  return { problems, add, remove }
}
