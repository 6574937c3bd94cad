/** Puts a picture on the clipboard. Clipboards take PNG alone, so anything else is painted into one. */
export async function copyPicture(url: string): Promise<void> {
  const png = fetch(url)
    .then((answer) => answer.blob())
    .then((blob) => (blob.type === 'image/png' ? blob : painted(url)));
  // The promise itself goes in: a browser grants the clipboard only while the press is still fresh.
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })]);
}

async function painted(url: string): Promise<Blob> {
  const image = new Image();
  image.crossOrigin = 'anonymous';
  image.src = url;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  canvas.getContext('2d')?.drawImage(image, 0, 0);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the picture could not be painted'))), 'image/png'));
}
